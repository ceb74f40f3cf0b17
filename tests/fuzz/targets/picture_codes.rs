#![no_main]

ferrite_fuzz::target!(ferrite_qr::fuzzing::picture_codes);
