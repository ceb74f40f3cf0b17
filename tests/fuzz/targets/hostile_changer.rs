#![no_main]

ferrite_fuzz::target!(ferrite_scsi::fuzzing::changer::hostile_changer);
