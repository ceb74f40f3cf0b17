#![no_main]

ferrite_fuzz::target!(ferrite_formats::fuzzing::tape::inventory_json);
