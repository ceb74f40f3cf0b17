//! GOODBYE: the lookup table at the end of a directory (datastore.md 13, tape-format.md 6.4).

use super::item;
use crate::layout::wire_struct;
use crate::siphash::name_hash;

wire_struct! {
    struct RawRecord: 24 { hash: u64, offset: u64, size: u64 }
}

/// Bytes of one record of the table.
pub const RECORD_SIZE: usize = RawRecord::SIZE;

/// A child of the directory that ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Child {
    hash: u64,
    start: u64,
    size: u64,
}

impl Child {
    /// `start` is the position of the FILENAME item of the child, `end` the position behind its last item.
    pub(crate) fn new(name: &[u8], start: u64, end: u64) -> Self {
        Self {
            hash: name_hash(name),
            start,
            size: end.saturating_sub(start),
        }
    }
}

/// Full size of the GOODBYE item of a directory with this many children.
pub const fn item_size(children: u64) -> u64 {
    (item::HEADER_SIZE as u64).saturating_add(
        children
            .saturating_add(1)
            .saturating_mul(RECORD_SIZE as u64),
    )
}

/// Appends the GOODBYE item that stands at `position`, for the directory whose ENTRY stands at `entry`.
pub(crate) fn append_to(out: &mut Vec<u8>, mut children: Vec<Child>, position: u64, entry: u64) {
    children.sort_by_key(|child| child.hash);
    let size = item_size(children.len() as u64);
    out.reserve(usize::try_from(size).unwrap_or(0));
    item::append_header(out, item::GOODBYE, size - item::HEADER_SIZE as u64);
    for index in search_tree_order(children.len()) {
        let child = children[index];
        let record = RawRecord {
            hash: child.hash,
            offset: position - child.start,
            size: child.size,
        };
        out.extend_from_slice(&record.encode());
    }
    let tail = RawRecord {
        hash: item::GOODBYE_TAIL,
        offset: position - entry,
        size,
    };
    out.extend_from_slice(&tail.encode());
}

/// For each slot of a complete binary search tree (children of slot i are 2i+1 and 2i+2) the index of its item in the sorted
/// list: walking the tree in order meets the items in order.
pub fn search_tree_order(len: usize) -> Vec<usize> {
    fn walk(slot: usize, next: &mut usize, order: &mut [usize]) {
        if slot >= order.len() {
            return;
        }
        walk(2 * slot + 1, next, order);
        order[slot] = *next;
        *next += 1;
        walk(2 * slot + 2, next, order);
    }
    let mut order = vec![0; len];
    // Recursion is as deep as the tree is high: the logarithm of its size.
    walk(0, &mut 0, &mut order);
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_those_of_the_specification() {
        let expected: [&[usize]; 11] = [
            &[],
            &[0],
            &[1, 0],
            &[1, 0, 2],
            &[2, 1, 3, 0],
            &[3, 1, 4, 0, 2],
            &[3, 1, 5, 0, 2, 4],
            &[3, 1, 5, 0, 2, 4, 6],
            &[4, 2, 6, 1, 3, 5, 7, 0],
            &[5, 3, 7, 1, 4, 6, 8, 0, 2],
            &[6, 3, 8, 1, 5, 7, 9, 0, 2, 4],
        ];
        for (len, slots) in expected.iter().enumerate() {
            assert_eq!(&search_tree_order(len), slots, "{len} children");
        }
    }

    #[test]
    fn every_hash_is_found_by_search() {
        for len in 0..200 {
            let order = search_tree_order(len);
            for wanted in 0..len {
                let mut slot = 0;
                while order[slot] != wanted {
                    slot = 2 * slot + if wanted < order[slot] { 1 } else { 2 };
                }
            }
        }
    }
}
