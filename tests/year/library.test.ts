/** The simulated year in an LTO library: two drives, 24 slots, 4 mail slots, 60 tapes. */
import { EmulatedHardware } from './emulated_hardware.ts';
import { declareYears, TAPE_BYTES } from './year_tests.ts';

declareYears('a library', 101, (root) => new EmulatedHardware(root, TAPE_BYTES));
