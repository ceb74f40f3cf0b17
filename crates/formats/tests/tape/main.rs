//! Tape formats and pxar against the shared vectors, against tapes and datastores written by PBS, against random
//! structures, and against damage.

mod catalog_rules;
mod damage;
mod fixtures;
mod properties;
mod pxar_limits;
mod pxar_random;
mod pxar_trees;
mod vectors;
