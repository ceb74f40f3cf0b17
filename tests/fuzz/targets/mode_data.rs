#![no_main]

ferrite_fuzz::target!(ferrite_scsi::fuzzing::pages::mode_data);
