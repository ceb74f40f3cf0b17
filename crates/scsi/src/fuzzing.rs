//! What fuzz targets call: one plain function per parser of bytes from a device or an initiator. Each takes any bytes,
//! must return, and asserts what must hold of whatever was accepted.

pub mod changer;
pub mod commands;
pub mod device;
pub mod pages;

/// A parser run.
pub type Target = fn(&[u8]);

/// Every target with its name.
pub const TARGETS: &[(&str, Target)] = &[
    ("sense", pages::sense),
    ("log-pages", pages::log_pages),
    ("volume-statistics", pages::volume_statistics),
    ("mode-data", pages::mode_data),
    ("density-report", pages::density_report),
    ("cartridge-memory", pages::cartridge_memory),
    ("encryption-pages", pages::encryption_pages),
    ("inquiry", pages::inquiry),
    ("commands", commands::any),
    ("hostile-drive", device::hostile_drive),
    ("element-status", changer::element_status),
    ("hostile-changer", changer::hostile_changer),
];

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_target_takes_any_bytes(data in proptest::collection::vec(any::<u8>(), 0..600)) {
            super::TARGETS.iter().for_each(|(_, target)| target(&data));
        }
    }
}
