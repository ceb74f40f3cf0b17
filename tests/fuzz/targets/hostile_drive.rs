#![no_main]

ferrite_fuzz::target!(ferrite_scsi::fuzzing::device::hostile_drive);
