//! Volume statistics, log page 17h (SSC-3 8.2.7; scsi.md 5.2): what the drive knows about the cartridge's life.

use crate::log::{LogParameter, MalformedLogPage, PAGE_VOLUME_STATISTICS, PageBuilder, parameters};
use crate::text;

const PAGE_VALID: u16 = 0x0000;
const SERIAL: u16 = 0x0040;
const WRITE_PROTECT: u16 = 0x0080;
const WORM: u16 = 0x0081;
const SERIAL_BYTES: usize = 32;
/// The device does not know a capacity.
const UNKNOWN_CAPACITY: u64 = 0xFFFF_FFFE;
const MEGABYTE: u64 = 1_000_000;

/// How a counter is to be understood.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Unit {
    /// As it is.
    Count,
    /// In megabytes of 10^6 bytes.
    Megabytes,
}

macro_rules! counters {
    ($($(#[$doc:meta])* $field:ident = $code:literal, $bytes:literal, $unit:ident;)*) => {
        /// Counters of the mounted cartridge; absent ones are 0, false or empty.
        #[derive(Clone, Debug, Default, PartialEq, Eq)]
        pub struct VolumeStatistics {
            $($(#[$doc])* pub $field: u64,)*
            /// Serial number of the cartridge.
            pub serial: String,
            /// The tab is set.
            pub write_protect: bool,
            /// Write-once cartridge.
            pub worm: bool,
        }

        impl VolumeStatistics {
            fn counter_mut(&mut self, code: u16) -> Option<(&mut u64, Unit)> {
                match code {
                    $($code => Some((&mut self.$field, Unit::$unit)),)*
                    _ => None,
                }
            }

            /// Code, value as on the wire, length on the wire.
            fn wire_counters(&self) -> impl Iterator<Item = (u16, u64, usize)> {
                [$(($code, match Unit::$unit {
                    Unit::Count => self.$field,
                    Unit::Megabytes => self.$field / MEGABYTE,
                }, $bytes)),*].into_iter()
            }

            /// JSON name and value of every counter, in the order of the codes.
            pub fn counters(&self) -> impl Iterator<Item = (String, u64)> {
                [$((stringify!($field), self.$field)),*]
                    .into_iter()
                    .map(|(name, value)| (name.replace('_', "-"), value))
            }
        }
    };
}

counters! {
    /// Times the tape was threaded.
    volume_mounts = 0x0001, 4, Count;
    /// Datasets written.
    volume_datasets_written = 0x0002, 8, Count;
    /// Write errors recovered.
    volume_recovered_write_data_errors = 0x0003, 4, Count;
    /// Write errors not recovered.
    volume_unrecovered_write_data_errors = 0x0004, 2, Count;
    /// Servo errors while writing.
    volume_write_servo_errors = 0x0005, 2, Count;
    /// The same, not recovered.
    volume_unrecovered_write_servo_errors = 0x0006, 2, Count;
    /// Datasets read.
    volume_datasets_read = 0x0007, 8, Count;
    /// Read errors recovered.
    volume_recovered_read_errors = 0x0008, 4, Count;
    /// Read errors not recovered.
    volume_unrecovered_read_errors = 0x0009, 2, Count;
    /// Write errors not recovered in the last mount.
    last_mount_unrecovered_write_errors = 0x000C, 2, Count;
    /// Read errors not recovered in the last mount.
    last_mount_unrecovered_read_errors = 0x000D, 2, Count;
    /// Bytes written in the last mount.
    last_mount_bytes_written = 0x000E, 4, Megabytes;
    /// Bytes read in the last mount.
    last_mount_bytes_read = 0x000F, 4, Megabytes;
    /// Bytes ever written.
    lifetime_bytes_written = 0x0010, 8, Megabytes;
    /// Bytes ever read.
    lifetime_bytes_read = 0x0011, 8, Megabytes;
    /// Percent.
    last_load_write_compression_ratio = 0x0012, 2, Count;
    /// Percent.
    last_load_read_compression_ratio = 0x0013, 2, Count;
    /// Milliseconds.
    medium_mount_time = 0x0014, 6, Count;
    /// Milliseconds.
    medium_ready_time = 0x0015, 6, Count;
    /// Bytes the cartridge can hold.
    total_native_capacity = 0x0016, 4, Megabytes;
    /// Bytes used.
    total_used_native_capacity = 0x0017, 4, Megabytes;
    /// Passes over the beginning of the tape.
    beginning_of_medium_passes = 0x0101, 4, Count;
    /// Passes over its middle.
    middle_of_tape_passes = 0x0102, 4, Count;
}

impl VolumeStatistics {
    /// Parses log page 17h.
    ///
    /// A second parameter 0000h, or one of length 0, ends the list: a target is known to announce more than it fills, and
    /// the zero padding looks like that (scsi.md 5.2).
    pub fn parse(bytes: &[u8]) -> Result<Self, MalformedLogPage> {
        let mut statistics = Self::default();
        let mut valid = false;
        for parameter in parameters(PAGE_VOLUME_STATISTICS, bytes)? {
            let parameter = parameter?;
            if parameter.code == PAGE_VALID {
                if valid || parameter.value.is_empty() {
                    break;
                }
                valid = parameter.value.iter().any(|&byte| byte != 0);
                continue;
            }
            statistics.take(parameter)?;
        }
        if valid {
            Ok(statistics)
        } else {
            Err(malformed("page not valid".to_owned()))
        }
    }

    fn take(&mut self, parameter: LogParameter<'_>) -> Result<(), MalformedLogPage> {
        match parameter.code {
            // Passed on as it is: PBS does not trim it, but no reader wants the padding.
            SERIAL => self.serial = text::field(parameter.value),
            WRITE_PROTECT => self.write_protect = number(parameter)? == 1,
            WORM => self.worm = number(parameter)? == 1,
            code => {
                if let Some((counter, unit)) = self.counter_mut(code) {
                    let value = number(parameter)?;
                    *counter = match unit {
                        Unit::Count => value,
                        Unit::Megabytes if value == UNKNOWN_CAPACITY => 0,
                        Unit::Megabytes => value.saturating_mul(MEGABYTE),
                    };
                }
            }
        }
        Ok(())
    }

    /// Log page 17h as an LTO drive sends it.
    pub fn to_page(&self) -> Vec<u8> {
        let mut page = PageBuilder::new(PAGE_VOLUME_STATISTICS).binary(PAGE_VALID, &[1]);
        for (code, value, bytes) in self.wire_counters() {
            page = page.binary(code, &value.to_be_bytes()[8 - bytes..]);
        }
        let mut serial = [0; SERIAL_BYTES];
        text::put(&mut serial, &self.serial);
        page.ascii(SERIAL, &serial)
            .binary(WRITE_PROTECT, &[u8::from(self.write_protect)])
            .binary(WORM, &[u8::from(self.worm)])
            .finish()
    }
}

fn number(parameter: LogParameter<'_>) -> Result<u64, MalformedLogPage> {
    let value = parameter.value;
    if value.is_empty() || value.len() > 8 {
        return Err(malformed(format!(
            "counter {:04X}h of {} bytes",
            parameter.code,
            value.len()
        )));
    }
    Ok(value
        .iter()
        .fold(0, |sum, &byte| (sum << 8) | u64::from(byte)))
}

fn malformed(what: String) -> MalformedLogPage {
    MalformedLogPage::Parameter {
        page: PAGE_VOLUME_STATISTICS,
        what,
    }
}
