#![no_main]

ferrite_fuzz::target!(ferrite_scsi::fuzzing::changer::element_status);
