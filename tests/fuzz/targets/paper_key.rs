#![no_main]

ferrite_fuzz::target!(ferrite_formats::fuzzing::key::paper_key);
