/** The simulated year on a virtual drive: 24 tapes in its directory, the others on a shelf. */
import { VirtualLibrary } from './hardware.ts';
import { declareYears, TAPE_BYTES } from './year_tests.ts';

declareYears('virtual tapes', 1, (root) => new VirtualLibrary(root, TAPE_BYTES));
