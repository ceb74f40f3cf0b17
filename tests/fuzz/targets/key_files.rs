#![no_main]

ferrite_fuzz::target!(ferrite_formats::fuzzing::key::key_files);
