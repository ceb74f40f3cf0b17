//! LTO generations as the emulator knows them (scsi.md 2.16).

use ferrite_scsi::density::Density;

/// Facts about a generation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GenerationFacts {
    /// 2 to 9.
    pub number: u8,
    /// Density code.
    pub density: Density,
    /// Bytes of a tape.
    pub capacity_bytes: u64,
    /// End of the bar code of a data cartridge.
    pub suffix: &'static str,
    /// End of the bar code of a WORM cartridge.
    pub worm_suffix: &'static str,
    /// Length of the tape in metres.
    pub length_m: u32,
    /// Bytes of the chip.
    pub chip_bytes: u64,
    /// Bytes per second at full speed.
    pub bytes_per_second: u64,
    /// Slowest speed at which the drive does not stop the tape.
    pub slowest_bytes_per_second: u64,
    /// Generations of tapes that a drive of this one can write.
    pub writes: &'static [u8],
    /// Further ones that it can read.
    pub reads: &'static [u8],
}

const MEGABYTE: u64 = 1_000_000;

const fn generation(
    number: u8,
    density: u8,
    capacity_gb: u64,
    (suffix, worm_suffix): (&'static str, &'static str),
    (length_m, chip_bytes): (u32, u64),
    (speed_mb, slowest_mb): (u64, u64),
    (writes, reads): (&'static [u8], &'static [u8]),
) -> GenerationFacts {
    GenerationFacts {
        number,
        density: Density(density),
        capacity_bytes: capacity_gb * 1000 * MEGABYTE,
        suffix,
        worm_suffix,
        length_m,
        chip_bytes,
        bytes_per_second: speed_mb * MEGABYTE,
        slowest_bytes_per_second: slowest_mb * MEGABYTE,
        writes,
        reads,
    }
}

/// Tapes of generations 2 and 3 exist only to be refused or read by old drives.
const GENERATIONS: [GenerationFacts; 8] = [
    generation(
        2,
        0x42,
        200,
        ("L2", "L2"),
        (609, 4096),
        (40, 20),
        (&[2], &[]),
    ),
    generation(
        3,
        0x44,
        400,
        ("L3", "LT"),
        (680, 4096),
        (80, 30),
        (&[3, 2], &[]),
    ),
    generation(
        4,
        0x46,
        800,
        ("L4", "LU"),
        (820, 8160),
        (120, 31),
        (&[4, 3], &[2]),
    ),
    generation(
        5,
        0x58,
        1500,
        ("L5", "LV"),
        (846, 8160),
        (140, 40),
        (&[5, 4], &[3]),
    ),
    generation(
        6,
        0x5A,
        2500,
        ("L6", "LW"),
        (846, 16_352),
        (160, 40),
        (&[6, 5], &[4]),
    ),
    generation(
        7,
        0x5C,
        6000,
        ("L7", "LX"),
        (960, 16_352),
        (300, 100),
        (&[7, 6], &[5]),
    ),
    generation(
        8,
        0x5E,
        12_000,
        ("L8", "LY"),
        (960, 16_352),
        (360, 112),
        (&[8, 7], &[]),
    ),
    generation(
        9,
        0x60,
        18_000,
        ("L9", "LZ"),
        (1035, 32_736),
        (400, 177),
        (&[9, 8], &[]),
    ),
];

/// Oldest generation with a drive here.
pub const OLDEST_DRIVE: u8 = 4;
/// Newest generation with a drive here.
pub const NEWEST_DRIVE: u8 = 9;

/// Facts about generation `number`, 2 to 9.
pub fn facts(number: u8) -> Option<&'static GenerationFacts> {
    GENERATIONS.iter().find(|facts| facts.number == number)
}

/// Density of a generation; unknown for others.
pub fn density(number: u8) -> Density {
    facts(number).map_or(Density::UNKNOWN, |facts| facts.density)
}
