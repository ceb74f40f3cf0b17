//! What LTO drives have beyond the tape itself: encryption, cartridge memory, log pages, fixed blocks, warnings before the end,
//! write-once tapes.

use super::lenient::Leniency;
use super::{Answer, Check, Device, Profile, Report, Rule, expect_equal, run_checks};
use crate::attribute::{self, Attribute, AttributeFormat, ReadAttribute, WriteAttribute};
use crate::command::{Erase, FormatMedium, Locate, LocateTarget, Read, Write, WriteFilemarks};
use crate::density;
use crate::encryption::{
    self, EncryptionMode, KEY_BYTES, PAGE_CAPABILITIES, PAGE_STATUS, SecurityProtocolIn,
    SecurityProtocolOut,
};
use crate::log::{
    LogSense, PAGE_DEVICE_STATUS, PAGE_SUPPORTED, PAGE_TAPE_ALERT, PAGE_TAPE_ALERT_RESPONSE,
    parameters,
};
use crate::mode::{
    ConfigurationExtension, MediumConfiguration, ModeForm, ModeParameters, ModeSelect, ModeSense,
    PageCode, page,
};
use crate::sense::SenseKey;
use crate::transport::{Data, Transport};

/// What the drive under test has, beyond [`Profile`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Features {
    /// AES-256-GCM (LTO-4 and later).
    pub encryption: bool,
    /// READ ATTRIBUTE and WRITE ATTRIBUTE.
    pub cartridge_memory: bool,
    /// Programmable early warning zone.
    pub programmable_early_warning: bool,
}

impl Features {
    /// Everything, as LTO drives of the generations 4 to 9 have it.
    pub const LTO: Self = Self {
        encryption: true,
        cartridge_memory: true,
        programmable_early_warning: true,
    };
}

const ALWAYS: &[Check] = &[
    ("fixed-blocks", "SSC-3 6.4, 6.8, scsi.md 7.2", fixed_blocks),
    (
        "fixed-blocks-of-other-length",
        "SSC-3 6.4",
        fixed_blocks_of_other_length,
    ),
    (
        "fixed-and-silent",
        "SSC-3 6.4, scsi.md 2.10",
        fixed_and_silent,
    ),
    ("log-page-list", "SPC-3 7.2.11", log_page_list),
    (
        "alert-response-keeps-flags",
        "ADC-2 6.1.3, scsi.md 2.15",
        alert_response_keeps_flags,
    ),
    (
        "medium-configuration-page",
        "SSC-3 8.3.7",
        medium_configuration_page,
    ),
    (
        "mounted-density",
        "SSC-3 7.8, scsi.md 2.16",
        mounted_density,
    ),
    ("locate-short-form", "SSC-3 6.3", locate_short_form),
    ("long-erase", "SSC-3 6.2", long_erase),
];

const PROGRAMMABLE_EARLY_WARNING: &[Check] = &[(
    "programmable-early-warning",
    "SSC-4 4.2.5, scsi.md 7.3",
    programmable_early_warning,
)];

const CARTRIDGE_MEMORY: &[Check] = &[
    (
        "attributes-in-order",
        "SPC-3 6.14, scsi.md 2.17",
        attributes_in_order,
    ),
    ("attribute-from-first", "SPC-3 6.14.2", attribute_from_first),
    (
        "attribute-of-host",
        "SPC-3 6.34, scsi.md 2.18",
        attribute_of_host,
    ),
    (
        "attribute-refused",
        "SPC-3 6.34, scsi.md 7.8",
        attribute_refused,
    ),
];

const ENCRYPTION: &[Check] = &[
    (
        "encryption-capabilities",
        "SSC-3 8.5.2.4, scsi.md 2.19",
        encryption_capabilities,
    ),
    ("encryption-off-at-first", "SSC-3 8.5.2.7", encryption_off),
    (
        "encryption-and-plain-labels",
        "scsi.md 7.7",
        encryption_and_plain_labels,
    ),
    ("encryption-no-key", "scsi.md 7.7", encryption_no_key),
    ("encryption-wrong-key", "scsi.md 7.7", encryption_wrong_key),
    (
        "encryption-skips-without-key",
        "scsi.md 7.7",
        encryption_skips_without_key,
    ),
    (
        "encryption-refuses-nonsense",
        "SSC-3 8.5.3.2, scsi.md 7.7",
        encryption_refuses_nonsense,
    ),
];

const WORM: &[Check] = &[
    ("worm-page", "SSC-3 8.3.7, scsi.md 7.4", worm_page),
    ("worm-appends", "scsi.md 7.4", worm_appends),
    ("worm-keeps", "scsi.md 7.4", worm_keeps),
    ("worm-last-filemark", "scsi.md 7.4", worm_last_filemark),
];

/// Runs the checks of what the drive has. `make` is that of [`drive_conformance`](super::drive_conformance).
pub fn feature_conformance(
    make: &mut dyn FnMut() -> Box<dyn Transport>,
    profile: Profile,
    features: Features,
) -> Report {
    run_feature_checks(make, profile, features, &Leniency::new(&[]))
}

pub(super) fn run_feature_checks(
    make: &mut dyn FnMut() -> Box<dyn Transport>,
    profile: Profile,
    features: Features,
    leniency: &Leniency<'_>,
) -> Report {
    let chosen = [
        (true, ALWAYS),
        (
            features.programmable_early_warning && profile.capacity_blocks.is_some(),
            PROGRAMMABLE_EARLY_WARNING,
        ),
        (features.cartridge_memory, CARTRIDGE_MEMORY),
        (features.encryption, ENCRYPTION),
    ];
    let checks = chosen
        .into_iter()
        .filter(|(has, _)| *has)
        .flat_map(|(_, checks)| checks);
    run_checks(make, &profile, checks, leniency)
}

/// Runs the checks for write-once tapes. `make` connects to a drive with a blank one; what an earlier connection wrote must be
/// gone.
pub fn worm_conformance(make: &mut dyn FnMut() -> Box<dyn Transport>, profile: Profile) -> Report {
    run_checks(make, &profile, WORM.iter(), &Leniency::new(&[]))
}

impl Device<'_> {
    fn mode_page(&mut self, page: PageCode) -> Result<ModeParameters, String> {
        let command = ModeSense::current(ModeForm::Ten, page);
        let bytes = self.data(&command.cdb(), usize::from(command.allocation))?;
        ModeParameters::parse_sense(ModeForm::Ten, &bytes).map_err(|error| error.to_string())
    }

    fn select(&mut self, parameters: &ModeParameters) -> Result<(), String> {
        let list = parameters.to_select_bytes(ModeForm::Ten);
        let length = u16::try_from(list.len()).map_err(|error| error.to_string())?;
        let command = ModeSelect {
            form: ModeForm::Ten,
            length,
        };
        self.send(&command.cdb(), Data::Out(&list))?.expect_good()
    }

    fn set_block_length(&mut self, bytes: u32) -> Result<(), String> {
        let mut parameters = self.mode_page(page::DATA_COMPRESSION)?;
        let block = parameters.block.as_mut().ok_or("no block descriptor")?;
        block.block_length = bytes;
        self.select(&parameters)
    }

    fn write_fixed(&mut self, bytes: &[u8], blocks: u32) -> Result<Answer, String> {
        let command = Write {
            fixed: true,
            length: blocks,
        };
        self.send(&command.cdb(), Data::Out(bytes))
    }

    fn read_fixed(&mut self, buffer: &mut [u8], blocks: u32) -> Result<Answer, String> {
        let command = Read {
            fixed: true,
            suppress_incorrect_length: false,
            length: blocks,
        };
        self.send(&command.cdb(), Data::In(buffer))
    }

    fn log_page(&mut self, page: u8) -> Result<Vec<u8>, String> {
        const ALLOCATION: u16 = 8192;
        let command = LogSense {
            page,
            subpage: 0,
            allocation: ALLOCATION,
        };
        self.data(&command.cdb(), usize::from(ALLOCATION))
    }

    fn attributes(&mut self, first: u16) -> Result<Vec<Attribute>, String> {
        let command = ReadAttribute {
            first,
            ..ReadAttribute::ALL
        };
        let bytes = self.data(&command.cdb(), command.allocation as usize)?;
        attribute::parse_list(&bytes).map_err(|error| error.to_string())
    }

    fn write_attributes(&mut self, attributes: &[Attribute]) -> Result<Answer, String> {
        let list = attribute::to_list(attributes);
        let length = u32::try_from(list.len()).map_err(|error| error.to_string())?;
        self.send(&WriteAttribute { length }.cdb(), Data::Out(&list))
    }

    fn security_page(&mut self, page: u16) -> Result<Vec<u8>, String> {
        let command = SecurityProtocolIn {
            page,
            allocation: encryption::ALLOCATION,
        };
        self.data(&command.cdb(), command.allocation as usize)
    }

    fn algorithm(&mut self) -> Result<u8, String> {
        let capabilities = self.security_page(PAGE_CAPABILITIES)?;
        encryption::parse_capabilities(&capabilities)
            .map_err(|error| error.to_string())?
            .ok_or_else(|| "no AES-256-GCM".to_owned())
    }

    fn security_out(&mut self, list: &[u8]) -> Result<Answer, String> {
        let length = u32::try_from(list.len()).map_err(|error| error.to_string())?;
        self.send(&SecurityProtocolOut { length }.cdb(), Data::Out(list))
    }

    fn set_key(&mut self, key: u8) -> Result<(), String> {
        let algorithm = self.algorithm()?;
        let list = encryption::enable_page(algorithm, &[key; KEY_BYTES]);
        self.security_out(&list)?.expect_good()?;
        self.expect_mode(EncryptionMode::Mixed)
    }

    fn clear_key(&mut self) -> Result<(), String> {
        let algorithm = self.algorithm()?;
        let list = encryption::disable_page(algorithm);
        self.security_out(&list)?.expect_good()?;
        self.expect_mode(EncryptionMode::Off)
    }

    fn expect_mode(&mut self, expected: EncryptionMode) -> Result<(), String> {
        let page = self.security_page(PAGE_STATUS)?;
        let found = encryption::parse_status(&page).map_err(|error| error.to_string())?;
        expect_equal("encryption mode", found, expected)
    }

    /// The next object must not be given, and stays the next.
    fn expect_locked(&mut self, asc: u8, ascq: u8) -> Result<(), String> {
        let before = self.position()?;
        for _ in 0..2 {
            let mut buffer = vec![0; self.profile.block_bytes];
            let read = Read {
                fixed: false,
                suppress_incorrect_length: true,
                length: buffer.len() as u32,
            };
            let answer = self.send(&read.cdb(), Data::In(&mut buffer))?;
            answer.expect_sense(SenseKey::DataProtect, asc, ascq)?;
            self.leniency.apply(
                Rule::NothingTransferred,
                expect_equal("bytes without the key", answer.transferred, 0),
            )?;
        }
        let after = self.position()?;
        expect_equal("position", after.object, before.object)
    }
}

fn fixed_blocks(device: &mut Device<'_>) -> Result<(), String> {
    const BYTES: usize = 1024;
    device.settle()?;
    device.set_block_length(BYTES as u32)?;
    let data: Vec<u8> = (0..5 * BYTES).map(|i| (i / BYTES) as u8 + 1).collect();
    device.write_fixed(&data, 5)?.expect_good()?;
    device.mark()?;
    device.expect_position(6, 1)?;
    device.rewind()?;
    let mut buffer = vec![0; 3 * BYTES];
    device.read_fixed(&mut buffer, 3)?.expect_good()?;
    expect_equal("three blocks", &buffer[..], &data[..3 * BYTES])?;
    let mut buffer = vec![0; 4 * BYTES];
    let answer = device.read_fixed(&mut buffer, 4)?;
    let sense = answer.expect_sense(SenseKey::NoSense, 0x00, 0x01)?;
    expect_equal("blocks not read", sense.information, Some(2))?;
    expect_equal("bytes read", answer.transferred, 2 * BYTES)?;
    device.expect_position(6, 1)?;
    device.set_block_length(0)
}

fn fixed_blocks_of_other_length(device: &mut Device<'_>) -> Result<(), String> {
    const BYTES: usize = 512;
    device.settle()?;
    device.write_good(0)?;
    device.rewind()?;
    device.set_block_length(BYTES as u32)?;
    let mut buffer = vec![0; 2 * BYTES];
    let answer = device.read_fixed(&mut buffer, 2)?;
    let sense = answer.expect_sense(SenseKey::NoSense, 0x00, 0x00)?;
    expect_equal("incorrect length", sense.incorrect_length, true)?;
    expect_equal("blocks not read", sense.information, Some(2))?;
    // Behind the block.
    device.expect_position(1, 0)?;
    device.set_block_length(0)
}

fn fixed_and_silent(device: &mut Device<'_>) -> Result<(), String> {
    device.settle()?;
    let read = |fixed, silent| Read {
        fixed,
        suppress_incorrect_length: silent,
        length: 1,
    };
    device
        .send(&read(true, true).cdb(), Data::In(&mut [0; 16]))?
        .expect_sense(SenseKey::IllegalRequest, 0x24, 0x00)?;
    // There is no fixed length yet.
    device
        .send(&read(true, false).cdb(), Data::In(&mut [0; 16]))?
        .expect_sense(SenseKey::IllegalRequest, 0x24, 0x00)
        .map(|_| ())
}

fn log_page_list(device: &mut Device<'_>) -> Result<(), String> {
    const HEADER_BYTES: usize = 4;
    device.settle()?;
    let list = device.log_page(PAGE_SUPPORTED)?;
    let pages = list.get(HEADER_BYTES..).unwrap_or_default();
    for page in [PAGE_DEVICE_STATUS, PAGE_TAPE_ALERT] {
        if !pages.contains(&page) {
            return Err(format!("page {page:02X}h is not in the list {pages:02X?}"));
        }
    }
    if !pages.is_sorted() {
        return Err(format!("the list is not in order: {pages:02X?}"));
    }
    for &page in pages {
        let bytes = device.log_page(page)?;
        if page != PAGE_SUPPORTED {
            for parameter in parameters(page, &bytes).map_err(|error| error.to_string())? {
                parameter.map_err(|error| error.to_string())?;
            }
        }
    }
    Ok(())
}

/// Reading 12h leaves the flags, reading 2Eh clears them.
fn alert_response_keeps_flags(device: &mut Device<'_>) -> Result<(), String> {
    device.settle()?;
    let once = device.log_page(PAGE_TAPE_ALERT_RESPONSE)?;
    let again = device.log_page(PAGE_TAPE_ALERT_RESPONSE)?;
    expect_equal("flags asked for twice", once, again)?;
    let flags = device.log_page(PAGE_TAPE_ALERT)?;
    let count = parameters(PAGE_TAPE_ALERT, &flags)
        .map_err(|error| error.to_string())?
        .count();
    expect_equal("TapeAlert parameters", count, 64)
}

fn medium_configuration_page(device: &mut Device<'_>) -> Result<(), String> {
    device.settle()?;
    let parameters = device.mode_page(page::MEDIUM_CONFIGURATION)?;
    let page = parameters
        .page(page::MEDIUM_CONFIGURATION)
        .map_err(|error| error.to_string())?;
    expect_equal("write-once", MediumConfiguration::is_worm(page), Ok(false))
}

fn mounted_density(device: &mut Device<'_>) -> Result<(), String> {
    use crate::command::ReportDensity;
    device.settle()?;
    let block = device.mode_page(page::DATA_COMPRESSION)?.block;
    let mode = block.ok_or("no block descriptor")?.density;
    let command = ReportDensity {
        mounted_medium: true,
        ..ReportDensity::ALL
    };
    let bytes = device.data(&command.cdb(), usize::from(command.allocation))?;
    let densities = density::parse_report(&bytes).map_err(|error| error.to_string())?;
    let found: Vec<u8> = densities
        .iter()
        .map(|descriptor| descriptor.primary.0)
        .collect();
    expect_equal("density of the tape", found, vec![mode])
}

fn locate_short_form(device: &mut Device<'_>) -> Result<(), String> {
    device.write_files(&[2, 2])?;
    let ten = |object: u32| {
        let [a, b, c, d] = object.to_be_bytes();
        crate::transport::Cdb::new([0x2B, 0, 0, a, b, c, d, 0, 0, 0])
    };
    device.good(&ten(4))?;
    device.expect_position(4, 1)?;
    device.expect_block(3)?;
    device
        .run(&ten(77))?
        .expect_sense(SenseKey::BlankCheck, 0x00, 0x05)?;
    device.expect_position(6, 2)
}

fn long_erase(device: &mut Device<'_>) -> Result<(), String> {
    device.write_files(&[2, 1])?;
    device.good(
        &Locate {
            target: LocateTarget::Object(1),
            immediate: false,
        }
        .cdb(),
    )?;
    device.good(
        &Erase {
            long: true,
            immediate: false,
        }
        .cdb(),
    )?;
    device.expect_position(1, 0)?;
    device.expect_end()?;
    device.rewind()?;
    device.expect_block(0)?;
    device.expect_end()
}

/// The zone lies before that of early warning, is reported once, and does not keep anything from being written.
fn programmable_early_warning(device: &mut Device<'_>) -> Result<(), String> {
    device.settle()?;
    let megabytes = u16::try_from(device.profile.block_bytes * 8 / 1_000_000)
        .unwrap_or(1)
        .max(1);
    let mut parameters = device.mode_page(page::DEVICE_CONFIGURATION_EXTENSION)?;
    let extension = parameters
        .page_mut(page::DEVICE_CONFIGURATION_EXTENSION)
        .map_err(|error| error.to_string())?;
    ConfigurationExtension::set_early_warning_mb(extension, megabytes)
        .map_err(|error| error.to_string())?;
    device.select(&parameters)?;
    let mut warned = None;
    for number in 0..device.profile.capacity_blocks.unwrap_or(0) {
        let answer = device.write(number)?;
        match answer
            .sense
            .map(|sense| (sense.key, sense.code.0, sense.code.1))
        {
            None => answer.expect_good()?,
            Some((SenseKey::NoSense, 0x00, 0x07)) if warned.is_none() => {
                warned = Some(number);
                let position = device.position()?;
                expect_equal(
                    "past programmable early warning",
                    position.past_programmable_early_warning,
                    true,
                )?;
            }
            Some((SenseKey::NoSense, 0x00, 0x02)) if warned.is_some() => return Ok(()),
            Some(_) => return Err(format!("block {number}, warned at {warned:?}: {answer}")),
        }
    }
    Err(format!("no early warning; programmable one at {warned:?}"))
}

fn attributes_in_order(device: &mut Device<'_>) -> Result<(), String> {
    device.settle()?;
    let attributes = device.attributes(0)?;
    let ids: Vec<u16> = attributes.iter().map(|attribute| attribute.id).collect();
    if !ids.is_sorted() {
        return Err(format!("not in order: {ids:04X?}"));
    }
    let (_, wrong) = attribute::render(&attributes);
    expect_equal("attributes of wrong length", wrong, Vec::new())?;
    for id in [
        attribute::MANUFACTURE_DATE,
        attribute::LIFETIME_READ,
        attribute::LIFETIME_WRITTEN,
    ] {
        if !ids.contains(&id) {
            return Err(format!("attribute {id:04X}h is missing"));
        }
    }
    Ok(())
}

fn attribute_from_first(device: &mut Device<'_>) -> Result<(), String> {
    device.settle()?;
    let all = device.attributes(0)?;
    let middle = all.get(all.len() / 2).ok_or("no attributes")?.id;
    let rest = device.attributes(middle)?;
    let expected: Vec<Attribute> = all
        .into_iter()
        .filter(|attribute| attribute.id >= middle)
        .collect();
    expect_equal("attributes from the middle on", rest, expected)
}

fn attribute_of_host(device: &mut Device<'_>) -> Result<(), String> {
    device.settle()?;
    let label =
        attribute::host_text(attribute::USER_LABEL, "conformance").ok_or("no such attribute")?;
    device
        .write_attributes(std::slice::from_ref(&label))?
        .expect_good()?;
    let found = device
        .attributes(0)?
        .into_iter()
        .find(|attribute| attribute.id == attribute::USER_LABEL);
    expect_equal("attribute read back", found, Some(label))?;
    // Twice: deleting what is not there is no error.
    for _ in 0..2 {
        let deletion = attribute::deletion(attribute::USER_LABEL);
        device.write_attributes(&[deletion])?.expect_good()?;
        let gone = device
            .attributes(0)?
            .iter()
            .all(|attribute| attribute.id != attribute::USER_LABEL);
        expect_equal("deleted", gone, true)?;
    }
    Ok(())
}

/// What cannot be written changes nothing, what comes with it neither.
fn attribute_refused(device: &mut Device<'_>) -> Result<(), String> {
    device.settle()?;
    let before = device.attributes(0)?;
    let label =
        attribute::host_text(attribute::USER_LABEL, "conformance").ok_or("no such attribute")?;
    let wrong = |id: u16, bytes: usize| Attribute {
        id,
        read_only: false,
        format: AttributeFormat::Binary,
        value: vec![0x41; bytes],
    };
    // The manufacturer's, one that does not exist, one of wrong length.
    for refused in [
        wrong(attribute::MANUFACTURE_DATE, 8),
        wrong(0x0BFE, 4),
        wrong(attribute::APPLICATION_NAME, 3),
    ] {
        device
            .write_attributes(&[label.clone(), refused])?
            .expect_sense(SenseKey::IllegalRequest, 0x26, 0x00)?;
    }
    expect_equal("attributes", device.attributes(0)?, before)
}

fn encryption_capabilities(device: &mut Device<'_>) -> Result<(), String> {
    device.settle()?;
    device.algorithm().map(|_| ())
}

fn encryption_off(device: &mut Device<'_>) -> Result<(), String> {
    device.settle()?;
    device.expect_mode(EncryptionMode::Off)
}

/// A label written without a key, data with it: with the key all can be read.
fn encryption_and_plain_labels(device: &mut Device<'_>) -> Result<(), String> {
    write_mixed(device)?;
    device.set_key(7)?;
    device.rewind()?;
    device.expect_block(0)?;
    device.expect_mark()?;
    device.expect_block(1)?;
    device.expect_block(2)?;
    device.expect_mark()?;
    device.expect_end()?;
    device.clear_key()
}

/// Objects: plain block, mark, two encrypted blocks, mark.
fn write_mixed(device: &mut Device<'_>) -> Result<(), String> {
    device.settle()?;
    device.write_good(0)?;
    device.mark()?;
    device.set_key(7)?;
    device.write_good(1)?;
    device.write_good(2)?;
    device.mark()?;
    device.good(&WriteFilemarks::SYNC.cdb())?;
    device.clear_key()
}

fn encryption_no_key(device: &mut Device<'_>) -> Result<(), String> {
    write_mixed(device)?;
    device.rewind()?;
    device.expect_block(0)?;
    device.expect_mark()?;
    device.expect_locked(0x74, 0x01)
}

fn encryption_wrong_key(device: &mut Device<'_>) -> Result<(), String> {
    write_mixed(device)?;
    device.set_key(8)?;
    device.rewind()?;
    device.expect_block(0)?;
    device.expect_mark()?;
    device.expect_locked(0x74, 0x03)?;
    device.set_key(7)?;
    device.expect_block(1)?;
    device.clear_key()
}

fn encryption_skips_without_key(device: &mut Device<'_>) -> Result<(), String> {
    write_mixed(device)?;
    device.good(
        &Locate {
            target: LocateTarget::Object(3),
            immediate: false,
        }
        .cdb(),
    )?;
    device.expect_position(3, 1)?;
    device.expect_locked(0x74, 0x01)?;
    device.good(&crate::command::Space::END_OF_DATA.cdb())?;
    device.expect_position(5, 2)?;
    device.write_good(3)
}

fn encryption_refuses_nonsense(device: &mut Device<'_>) -> Result<(), String> {
    /// Bytes of the set data encryption page.
    const ENCRYPTION_MODE: usize = 6;
    const DECRYPTION_MODE: usize = 7;
    const KEY_FORMAT: usize = 9;
    const KEY_LENGTH: usize = 19;
    device.settle()?;
    let algorithm = device.algorithm()?;
    for (at, value) in [
        (ENCRYPTION_MODE, 9),
        (DECRYPTION_MODE, 9),
        (KEY_FORMAT, 2),
        (KEY_LENGTH, 16),
    ] {
        let mut list = encryption::enable_page(algorithm, &[7; KEY_BYTES]);
        list[at] = value;
        let answer = device.security_out(&list)?;
        match answer.sense {
            Some(sense) if sense.key == SenseKey::IllegalRequest => {}
            _ => return Err(format!("{value} in byte {at} gave {answer}")),
        }
        device.expect_mode(EncryptionMode::Off)?;
    }
    Ok(())
}

fn worm_page(device: &mut Device<'_>) -> Result<(), String> {
    device.settle()?;
    let parameters = device.mode_page(page::MEDIUM_CONFIGURATION)?;
    let page = parameters
        .page(page::MEDIUM_CONFIGURATION)
        .map_err(|error| error.to_string())?;
    expect_equal("write-once", MediumConfiguration::is_worm(page), Ok(true))?;
    expect_equal(
        "medium type of a write-once tape",
        parameters.medium_type & density::MEDIUM_TYPE_WORM,
        density::MEDIUM_TYPE_WORM,
    )
}

fn worm_appends(device: &mut Device<'_>) -> Result<(), String> {
    device.write_files(&[2, 1])?;
    device.rewind()?;
    device.good(&crate::command::Space::END_OF_DATA.cdb())?;
    device.write_good(3)?;
    device.mark()?;
    device.expect_position(7, 3)
}

/// Nothing gets rid of what is there.
fn worm_keeps(device: &mut Device<'_>) -> Result<(), String> {
    device.write_files(&[2, 1])?;
    for object in [0, 1, 3] {
        device.good(
            &Locate {
                target: LocateTarget::Object(object),
                immediate: false,
            }
            .cdb(),
        )?;
        device
            .write(9)?
            .expect_sense(SenseKey::DataProtect, 0x30, 0x0C)?;
        let mark = WriteFilemarks {
            count: 1,
            immediate: false,
        };
        device
            .run(&mark.cdb())?
            .expect_sense(SenseKey::DataProtect, 0x30, 0x0C)?;
    }
    device.rewind()?;
    let erase = Erase {
        long: false,
        immediate: false,
    };
    for command in [erase.cdb(), FormatMedium { immediate: false }.cdb()] {
        let answer = device.run(&command)?;
        if answer.expect_good().is_ok() {
            return Err(format!("{command:?} was done"));
        }
    }
    device.rewind()?;
    device.expect_block(0)?;
    device.expect_block(1)?;
    device.expect_mark()?;
    device.expect_block(2)
}

/// Filemarks at the end may be overwritten, but for the one nearest the beginning.
fn worm_last_filemark(device: &mut Device<'_>) -> Result<(), String> {
    device.write_files(&[1])?;
    device.mark()?;
    let at = |object| {
        Locate {
            target: LocateTarget::Object(object),
            immediate: false,
        }
        .cdb()
    };
    device.good(&at(1))?;
    device
        .write(5)?
        .expect_sense(SenseKey::DataProtect, 0x30, 0x0C)?;
    device.good(&at(2))?;
    device.write_good(5)?;
    device.expect_position(3, 1)
}
