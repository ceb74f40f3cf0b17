#![no_main]

ferrite_fuzz::target!(ferrite_formats::fuzzing::tape::snapshot_files);
