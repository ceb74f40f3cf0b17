//! Movements: where they end, and what is left of the count.

use super::{Check, Device, expect_equal};
use crate::command::{FormatMedium, Locate, LocateTarget, Space, SpaceUnit, WriteFilemarks};
use crate::sense::SenseKey;

pub(super) const CHECKS: &[Check] = &[
    ("space-filemarks", "SSC-3 6.6, scsi.md 2.7", space_filemarks),
    (
        "space-filemarks-back",
        "SSC-3 6.6, scsi.md 2.7",
        space_filemarks_back,
    ),
    ("space-blocks", "SSC-3 6.6, scsi.md 2.7", space_blocks),
    (
        "space-blocks-back",
        "SSC-3 6.6, scsi.md 2.7",
        space_blocks_back,
    ),
    ("space-to-end", "SSC-3 6.6", space_to_end),
    (
        "space-in-the-long-form",
        "SSC-3 7.11",
        space_in_the_long_form,
    ),
    ("locate-file", "SSC-3 7.3, scsi.md 2.7", locate_file),
    ("locate-object", "SSC-3 7.3", locate_object),
    (
        "locate-beyond-end",
        "SSC-3 7.3, scsi.md 7.2",
        locate_beyond_end,
    ),
    ("missing-filemark", "scsi.md 2.7", missing_filemark),
    ("two-filemarks", "SSC-3 6.9", two_filemarks),
    ("format", "SSC-3 7.1, scsi.md 2.12", format),
];

/// Files of 1, 3 and 2 blocks: objects 0 F 2 3 4 F 6 7 F.
const FILES: [u64; 3] = [1, 3, 2];
const END: (u64, u64) = (9, 3);

impl Device<'_> {
    fn space(&mut self, unit: SpaceUnit, count: i64) -> Result<super::Answer, String> {
        self.run(&Space { unit, count }.cdb())
    }

    fn locate(&mut self, target: LocateTarget) -> Result<super::Answer, String> {
        self.run(
            &Locate {
                target,
                immediate: false,
            }
            .cdb(),
        )
    }
}

fn space_filemarks(device: &mut Device<'_>) -> Result<(), String> {
    device.write_files(&FILES)?;
    device.rewind()?;
    device.space(SpaceUnit::Filemarks, 2)?.expect_good()?;
    device.expect_position(6, 2)?;
    device.expect_block(4)?;
    let sense =
        device
            .space(SpaceUnit::Filemarks, 3)?
            .expect_sense(SenseKey::BlankCheck, 0x00, 0x05)?;
    expect_equal("filemarks left", sense.information, Some(2))?;
    device.expect_position(END.0, END.1)
}

fn space_filemarks_back(device: &mut Device<'_>) -> Result<(), String> {
    device.write_files(&FILES)?;
    device.space(SpaceUnit::Filemarks, -2)?.expect_good()?;
    // In front of the second mark from here.
    device.expect_position(5, 1)?;
    device.expect_mark()?;
    let sense =
        device
            .space(SpaceUnit::Filemarks, -5)?
            .expect_sense(SenseKey::NoSense, 0x00, 0x04)?;
    expect_equal("end of medium bit", sense.end_of_medium, true)?;
    expect_equal("filemarks left", sense.information, Some(3))?;
    device.expect_position(0, 0)
}

fn space_blocks(device: &mut Device<'_>) -> Result<(), String> {
    device.write_files(&FILES)?;
    device.rewind()?;
    device.space(SpaceUnit::Blocks, 1)?.expect_good()?;
    device.expect_position(1, 0)?;
    let sense = device
        .space(SpaceUnit::Blocks, 2)?
        .expect_sense(SenseKey::NoSense, 0x00, 0x01)?;
    expect_equal("filemark bit", sense.filemark, true)?;
    expect_equal("blocks left", sense.information, Some(2))?;
    // Behind the mark.
    device.expect_position(2, 1)?;
    device.space(SpaceUnit::Blocks, 2)?.expect_good()?;
    device.expect_block(3)?;
    device.space(SpaceUnit::EndOfData, 0)?.expect_good()?;
    let sense =
        device
            .space(SpaceUnit::Blocks, 4)?
            .expect_sense(SenseKey::BlankCheck, 0x00, 0x05)?;
    expect_equal("blocks left", sense.information, Some(4))?;
    device.space(SpaceUnit::Blocks, 0)?.expect_good()
}

fn space_blocks_back(device: &mut Device<'_>) -> Result<(), String> {
    device.write_files(&FILES)?;
    device.space(SpaceUnit::Filemarks, -1)?.expect_good()?;
    device.space(SpaceUnit::Blocks, -1)?.expect_good()?;
    device.expect_position(7, 2)?;
    let sense = device
        .space(SpaceUnit::Blocks, -3)?
        .expect_sense(SenseKey::NoSense, 0x00, 0x01)?;
    expect_equal("filemark bit", sense.filemark, true)?;
    expect_equal("blocks left", sense.information, Some(2))?;
    // On the near side of the mark.
    device.expect_position(5, 1)?;
    device.rewind()?;
    let sense = device
        .space(SpaceUnit::Blocks, -2)?
        .expect_sense(SenseKey::NoSense, 0x00, 0x04)?;
    expect_equal("blocks left", sense.information, Some(2))
}

fn space_to_end(device: &mut Device<'_>) -> Result<(), String> {
    device.write_files(&FILES)?;
    device.rewind()?;
    device.space(SpaceUnit::EndOfData, 0)?.expect_good()?;
    device.expect_position(END.0, END.1)?;
    device.expect_end()?;
    device.write_good(6)?;
    device.mark()?;
    device.space(SpaceUnit::Filemarks, -2)?.expect_good()?;
    device.expect_mark()?;
    device.expect_block(6)
}

fn space_in_the_long_form(device: &mut Device<'_>) -> Result<(), String> {
    const MORE_THAN_24_BITS: i64 = 0x80_0000;
    device.write_files(&FILES)?;
    device.rewind()?;
    let sense = device
        .space(SpaceUnit::Filemarks, MORE_THAN_24_BITS)?
        .expect_sense(SenseKey::BlankCheck, 0x00, 0x05)?;
    expect_equal(
        "filemarks left",
        sense.information,
        Some(MORE_THAN_24_BITS - 3),
    )?;
    device
        .space(SpaceUnit::Filemarks, -MORE_THAN_24_BITS)?
        .expect_sense(SenseKey::NoSense, 0x00, 0x04)?;
    device.expect_position(0, 0)
}

fn locate_file(device: &mut Device<'_>) -> Result<(), String> {
    device.write_files(&FILES)?;
    for (file, object, block) in [(2, 6, 4), (0, 0, 0), (1, 2, 1)] {
        device.locate(LocateTarget::File(file))?.expect_good()?;
        device.expect_position(object, file)?;
        device.expect_block(block)?;
    }
    device.locate(LocateTarget::File(3))?.expect_good()?;
    device.expect_position(END.0, END.1)
}

fn locate_object(device: &mut Device<'_>) -> Result<(), String> {
    device.write_files(&FILES)?;
    for object in [7, 1, 0, 5, 9] {
        device.locate(LocateTarget::Object(object))?.expect_good()?;
        let marks_before = [1, 5, 8].iter().filter(|&&mark| mark < object).count() as u64;
        device.expect_position(object, marks_before)?;
    }
    device.locate(LocateTarget::Object(3))?.expect_good()?;
    device.expect_block(2)
}

fn locate_beyond_end(device: &mut Device<'_>) -> Result<(), String> {
    device.write_files(&FILES)?;
    for target in [LocateTarget::File(4), LocateTarget::Object(10)] {
        device.rewind()?;
        device
            .locate(target)?
            .expect_sense(SenseKey::BlankCheck, 0x00, 0x05)?;
        device.expect_position(END.0, END.1)?;
    }
    Ok(())
}

/// A writer that stopped without a mark: the object before the end is a block.
fn missing_filemark(device: &mut Device<'_>) -> Result<(), String> {
    device.write_files(&[1])?;
    device.write_good(1)?;
    device.space(SpaceUnit::EndOfData, 0)?.expect_good()?;
    device.expect_position(3, 1)?;
    device.space(SpaceUnit::Blocks, -1)?.expect_good()?;
    device.space(SpaceUnit::Blocks, 1)?.expect_good()?;
    device.good(
        &WriteFilemarks {
            count: 1,
            immediate: false,
        }
        .cdb(),
    )?;
    device.expect_position(4, 2)?;
    device
        .space(SpaceUnit::Blocks, -1)?
        .expect_sense(SenseKey::NoSense, 0x00, 0x01)?;
    device.expect_position(3, 1)
}

fn two_filemarks(device: &mut Device<'_>) -> Result<(), String> {
    device.settle()?;
    device.write_good(0)?;
    device.good(
        &WriteFilemarks {
            count: 2,
            immediate: false,
        }
        .cdb(),
    )?;
    device.expect_position(3, 2)?;
    device.good(&WriteFilemarks::SYNC.cdb())?;
    device.expect_position(3, 2)
}

fn format(device: &mut Device<'_>) -> Result<(), String> {
    device.write_files(&FILES)?;
    let format = FormatMedium { immediate: false }.cdb();
    device
        .run(&format)?
        .expect_sense(SenseKey::IllegalRequest, 0x3B, 0x0C)?;
    device.rewind()?;
    device.good(&format)?;
    device.rewind()?;
    device.expect_position(0, 0)?;
    device.expect_end()
}
