//! What stands where in a library, as plain objects.

use ferrite_scsi::asc::AdditionalSense;
use ferrite_scsi::changer::{ChangerStatus as CoreStatus, Content, exception_text};
use napi_derive::napi;

/// What is in an element: `empty`, `full` (no bar code, or one that cannot be read) or `tagged`.
fn content(content: &Content) -> (&'static str, Option<String>) {
    match content {
        Content::Empty => ("empty", None),
        Content::Full => ("full", None),
        Content::Tagged(tag) => ("tagged", Some(tag.clone())),
    }
}

fn exception(code: Option<AdditionalSense>) -> Option<String> {
    code.map(exception_text)
}

/// A drive as the library sees it.
#[napi(object)]
pub struct DriveElement {
    /// Element address.
    pub element_address: u32,
    /// What is in it.
    #[napi(ts_type = "'empty' | 'full' | 'tagged'")]
    pub status: String,
    /// Bar code.
    pub tag: Option<String>,
    /// Slot that its tape came from, from 1.
    pub loaded_slot: Option<u32>,
    /// Serial number, where the library tells.
    pub drive_serial_number: Option<String>,
    /// Vendor, where the library tells.
    pub vendor: Option<String>,
    /// Model, where the library tells.
    pub model: Option<String>,
    /// What is wrong with the element.
    pub exception: Option<String>,
}

/// A slot.
#[napi(object)]
pub struct SlotElement {
    /// Element address.
    pub element_address: u32,
    /// What is in it.
    #[napi(ts_type = "'empty' | 'full' | 'tagged'")]
    pub status: String,
    /// Bar code.
    pub tag: Option<String>,
    /// An operator reaches it: a mail slot.
    pub import_export: bool,
    /// What is wrong with the element.
    pub exception: Option<String>,
}

/// The robot's gripper.
#[napi(object)]
pub struct TransportElement {
    /// Element address.
    pub element_address: u32,
    /// What is in it: something only after a movement that failed half way.
    #[napi(ts_type = "'empty' | 'full' | 'tagged'")]
    pub status: String,
    /// Bar code.
    pub tag: Option<String>,
    /// What is wrong with the element.
    pub exception: Option<String>,
}

/// All elements of a library.
#[napi(object)]
pub struct ChangerStatus {
    /// The first is drive 0.
    pub drives: Vec<DriveElement>,
    /// The first is slot 1. Mail slots come last.
    pub slots: Vec<SlotElement>,
    /// Robots.
    pub transports: Vec<TransportElement>,
    /// What is strange about the library's answers and does not matter for using it, for a log.
    pub warnings: Vec<String>,
}

fn some(text: String) -> Option<String> {
    (!text.is_empty()).then_some(text)
}

impl From<CoreStatus> for ChangerStatus {
    fn from(status: CoreStatus) -> Self {
        let drives = status.drives.into_iter().map(|drive| {
            let (state, tag) = content(&drive.content);
            let (serial, vendor, model) = match drive.identifier {
                Some(id) => (some(id.serial), some(id.vendor), some(id.model)),
                None => (None, None, None),
            };
            DriveElement {
                element_address: u32::from(drive.address),
                status: state.to_owned(),
                tag,
                loaded_slot: drive.loaded_slot,
                drive_serial_number: serial,
                vendor,
                model,
                exception: exception(drive.exception),
            }
        });
        let slots = status.slots.into_iter().map(|slot| {
            let (state, tag) = content(&slot.content);
            SlotElement {
                element_address: u32::from(slot.address),
                status: state.to_owned(),
                tag,
                import_export: slot.import_export,
                exception: exception(slot.exception),
            }
        });
        let transports = status.transports.into_iter().map(|robot| {
            let (state, tag) = content(&robot.content);
            TransportElement {
                element_address: u32::from(robot.address),
                status: state.to_owned(),
                tag,
                exception: exception(robot.exception),
            }
        });
        Self {
            drives: drives.collect(),
            slots: slots.collect(),
            transports: transports.collect(),
            warnings: status.warnings,
        }
    }
}
