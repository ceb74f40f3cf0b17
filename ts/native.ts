/** The Rust core, and the one place where its errors become ours. */
import * as native from '../bindings/native/index.js';
import { type ErrorKind, FerriteError } from './errors.ts';

export { native };
export type * from '../bindings/native/index.js';
