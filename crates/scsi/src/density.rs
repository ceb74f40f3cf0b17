//! Tape generations and REPORT DENSITY SUPPORT (SSC-3 7.8; scsi.md 2.16).

use std::fmt;

use crate::text;

/// A density code, which stands for a tape generation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Density(pub u8);

impl Density {
    /// Unknown, or no tape.
    pub const UNKNOWN: Self = Self(0x00);
    /// LTO-4
    pub const LTO4: Self = Self(0x46);
    /// LTO-5
    pub const LTO5: Self = Self(0x58);
    /// LTO-8
    pub const LTO8: Self = Self(0x5E);
    /// LTO-9
    pub const LTO9: Self = Self(0x60);

    /// `LTO8`, or `Unknown`.
    pub fn name(self) -> &'static str {
        GENERATIONS
            .iter()
            .find(|generation| generation.density == self.0)
            .map_or("Unknown", |generation| generation.name)
    }

    /// Facts of the generation.
    pub fn generation(self) -> Option<&'static Generation> {
        GENERATIONS
            .iter()
            .find(|generation| generation.density == self.0)
    }
}

impl fmt::Display for Density {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What REPORT DENSITY SUPPORT and the mode header say about a generation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Generation {
    /// Density code.
    pub density: u8,
    /// As PBS prints it.
    pub name: &'static str,
    /// Bits per millimetre.
    pub bits_per_mm: u32,
    /// Tracks.
    pub tracks: u16,
    /// Native capacity in MB of 10^6 bytes.
    pub capacity_mb: u32,
    /// Density name field.
    pub density_name: &'static str,
    /// Description field.
    pub description: &'static str,
    /// Medium type of the mode header, data cartridge.
    pub medium_type: u8,
}

/// Bit of the medium type that marks a WORM cartridge.
pub const MEDIUM_TYPE_WORM: u8 = 0x04;

const fn generation(
    density: u8,
    name: &'static str,
    (bits_per_mm, tracks, capacity_mb): (u32, u16, u32),
    density_name: &'static str,
    description: &'static str,
    medium_type: u8,
) -> Generation {
    Generation {
        density,
        name,
        bits_per_mm,
        tracks,
        capacity_mb,
        density_name,
        description,
        medium_type,
    }
}

/// All generations with a code.
pub const GENERATIONS: [Generation; 12] = [
    generation(
        0x40,
        "LTO1",
        (4880, 384, 100_000),
        "U-18",
        "Ultrium 1/8T",
        0x18,
    ),
    generation(
        0x42,
        "LTO2",
        (7398, 512, 200_000),
        "U-28",
        "Ultrium 2/8T",
        0x28,
    ),
    generation(
        0x44,
        "LTO3",
        (9638, 704, 400_000),
        "U-316",
        "Ultrium 3/16T",
        0x38,
    ),
    generation(
        0x46,
        "LTO4",
        (12_725, 896, 800_000),
        "U-416",
        "Ultrium 4/16T",
        0x48,
    ),
    generation(
        0x58,
        "LTO5",
        (15_142, 1280, 1_500_000),
        "U-516",
        "Ultrium 5/16T",
        0x58,
    ),
    generation(
        0x5A,
        "LTO6",
        (15_142, 2176, 2_500_000),
        "U-616",
        "Ultrium 6/16T",
        0x68,
    ),
    generation(
        0x5C,
        "LTO7",
        (19_107, 3584, 6_000_000),
        "U-732",
        "Ultrium 7/32T",
        0x78,
    ),
    generation(
        0x5D,
        "LTO7M8",
        (19_107, 5376, 9_000_000),
        "U-M8",
        "Ultrium M8/32T",
        0x78,
    ),
    generation(
        0x5E,
        "LTO8",
        (20_669, 6656, 12_000_000),
        "U-832",
        "Ultrium 8/32T",
        0x88,
    ),
    generation(
        0x60,
        "LTO9",
        (21_459, 8960, 18_000_000),
        "U-932",
        "Ultrium 9/32T",
        0x98,
    ),
    generation(
        0x62,
        "LTO10",
        (21_657, 15_104, 30_000_000),
        "U1032A",
        "Ultrium 10/32T",
        0xA8,
    ),
    generation(
        0x63,
        "LTO10",
        (22_441, 15_104, 40_000_000),
        "U1032P",
        "Ultrium 10/32T",
        0xA9,
    ),
];

const HEADER_BYTES: usize = 4;
const DESCRIPTOR_BYTES: usize = 52;
/// Length field counts what follows it: two reserved bytes and the descriptors.
const LENGTH_FIELD_BYTES: usize = 2;
/// Descriptor byte 2.
const WRTOK: u8 = 0x80;
const DEFLT: u8 = 0x20;
/// Width of LTO tape in tenths of a millimetre.
const MEDIA_WIDTH: u16 = 127;
const ORGANISATION: &str = "LTO-CVE";

/// One density descriptor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DensityDescriptor {
    /// Primary density code.
    pub primary: Density,
    /// Secondary density code.
    pub secondary: Density,
    /// The drive can write it.
    pub writable: bool,
}

/// A density report that cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MalformedDensityReport {
    /// Fewer bytes than announced or needed.
    #[error("density report cut off: {received} bytes, {announced} announced")]
    TooShort {
        /// Bytes there are.
        received: usize,
        /// Bytes there should be.
        announced: usize,
    },
    /// Not a whole number of descriptors.
    #[error("density report of {0} bytes is no whole number of descriptors")]
    DescriptorLength(usize),
}

/// Parses the answer to REPORT DENSITY SUPPORT. Bytes behind the announced length are ignored.
pub fn parse_report(bytes: &[u8]) -> Result<Vec<DensityDescriptor>, MalformedDensityReport> {
    let received = bytes.len();
    let header = bytes
        .get(..HEADER_BYTES)
        .ok_or(MalformedDensityReport::TooShort {
            received,
            announced: HEADER_BYTES,
        })?;
    let announced = LENGTH_FIELD_BYTES + usize::from(u16::from_be_bytes([header[0], header[1]]));
    let body = bytes
        .get(HEADER_BYTES..announced)
        .ok_or(MalformedDensityReport::TooShort {
            received,
            announced,
        })?;
    if body.len() % DESCRIPTOR_BYTES != 0 {
        return Err(MalformedDensityReport::DescriptorLength(body.len()));
    }
    let descriptor = |bytes: &[u8]| DensityDescriptor {
        primary: Density(bytes[0]),
        secondary: Density(bytes[1]),
        writable: bytes[2] & WRTOK != 0,
    };
    Ok(body
        .chunks_exact(DESCRIPTOR_BYTES)
        .map(descriptor)
        .collect())
}

/// The answer of a drive that writes and reads `densities`; codes without a generation are left out.
pub fn to_report(densities: &[Density], default: Option<Density>) -> Vec<u8> {
    let mut bytes = vec![0; HEADER_BYTES];
    for generation in densities.iter().filter_map(|density| density.generation()) {
        let mut descriptor = [0; DESCRIPTOR_BYTES];
        descriptor[0] = generation.density;
        descriptor[1] = generation.density;
        descriptor[2] = WRTOK
            | if default == Some(Density(generation.density)) {
                DEFLT
            } else {
                0
            };
        descriptor[5..8].copy_from_slice(&generation.bits_per_mm.to_be_bytes()[1..]);
        descriptor[8..10].copy_from_slice(&MEDIA_WIDTH.to_be_bytes());
        descriptor[10..12].copy_from_slice(&generation.tracks.to_be_bytes());
        descriptor[12..16].copy_from_slice(&generation.capacity_mb.to_be_bytes());
        text::put(&mut descriptor[16..24], ORGANISATION);
        text::put(&mut descriptor[24..32], generation.density_name);
        text::put(&mut descriptor[32..52], generation.description);
        bytes.extend_from_slice(&descriptor);
    }
    let length = (bytes.len() - LENGTH_FIELD_BYTES) as u16;
    bytes[..2].copy_from_slice(&length.to_be_bytes());
    bytes
}
