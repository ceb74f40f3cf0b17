#![no_main]

ferrite_fuzz::target!(ferrite_formats::fuzzing::tape::pxar_tree);
