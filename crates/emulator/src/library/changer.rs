//! The robot as a SCSI target (scsi.md 3, 7.9).

use std::time::Duration;

use ferrite_scsi::alert::AlertFlags;
use ferrite_scsi::asc::AdditionalSense;
use ferrite_scsi::command::{
    ImportExportDoor, InitializeElements, PositionToElement, PreventAllow, ReadElementStatus,
    RequestSense,
};
use ferrite_scsi::inquiry::{
    Inquiry, InquiryCommand, PeripheralType, VPD_SUPPORTED_PAGES, VPD_UNIT_SERIAL_NUMBER,
};
use ferrite_scsi::log::{LogSense, PAGE_SUPPORTED, PAGE_TAPE_ALERT, PageBuilder};
use ferrite_scsi::mode::{ModeParameters, ModeSense, page};
use ferrite_scsi::opcode::OperationCode;
use ferrite_scsi::sense::{Sense, SenseKey};
use ferrite_scsi::{Cdb, Data, Status};

use super::shared_changer::SharedChanger;
use super::{LibraryError, identity, moves, status};
use crate::target::{Failure, Reply, ReplyResult, Step, progress, report_luns, six, ten, twelve};

/// Time for reading all bar codes.
const INVENTORY_TIME: Duration = Duration::from_secs(60);
/// Time for going to an element.
const POSITION_TIME: Duration = Duration::from_secs(5);

/// One command on the locked library.
pub(super) fn execute(
    changer: &mut SharedChanger,
    nexus: &str,
    cdb: &Cdb,
    data: &mut Data<'_>,
) -> Result<Step, LibraryError> {
    match admit(changer, nexus, cdb) {
        Ok(None) => {}
        Ok(Some(wait)) => return Ok(Step::Later(wait)),
        Err(failure) => return Ok(Step::Done(Err(failure), Duration::ZERO)),
    }
    let code = cdb.opcode();
    if matches!(
        code,
        OperationCode::MOVE_MEDIUM | OperationCode::EXCHANGE_MEDIUM
    ) {
        return moves::execute(changer, cdb);
    }
    let mut hold = Duration::ZERO;
    let result = dispatch(changer, nexus, cdb, data, &mut hold);
    Ok(Step::Done(result, hold))
}

fn admit(changer: &mut SharedChanger, nexus: &str, cdb: &Cdb) -> Result<Option<Duration>, Failure> {
    let code = cdb.opcode();
    if matches!(
        code,
        OperationCode::INQUIRY | OperationCode::REQUEST_SENSE | OperationCode::REPORT_LUNS
    ) {
        return Ok(None);
    }
    if let Some(code) = changer.state.nexuses.next_attention(nexus) {
        return Err(Failure::sense(Sense::new(SenseKey::UnitAttention, code)));
    }
    let owner = changer.state.reserved_by.as_deref();
    if owner.is_some_and(|owner| owner != nexus) && code != OperationCode::RELEASE_6 {
        return Err(Failure::status(Status::ReservationConflict));
    }
    let now = changer.now();
    if let Some((since, until)) = changer.state.inventory {
        let mut sense = Sense::new(SenseKey::NotReady, AdditionalSense::BECOMING_READY);
        sense.progress = Some(progress(since, until, now));
        return Err(Failure::sense(sense));
    }
    let Some(until) = changer.state.moving else {
        return Ok(None);
    };
    // The robot is on its way: who wants to know only what it knows already needs not wait.
    let current = code == OperationCode::READ_ELEMENT_STATUS
        && twelve(cdb)
            .ok()
            .and_then(ReadElementStatus::parse)
            .is_some_and(|command| command.current_data);
    let waits = matches!(
        code,
        OperationCode::READ_ELEMENT_STATUS
            | OperationCode::MOVE_MEDIUM
            | OperationCode::EXCHANGE_MEDIUM
            | OperationCode::INITIALIZE_ELEMENT_STATUS
            | OperationCode::INITIALIZE_ELEMENT_STATUS_WITH_RANGE
            | OperationCode::POSITION_TO_ELEMENT
    );
    Ok((waits && !current).then(|| until.saturating_sub(now)))
}

fn dispatch(
    changer: &mut SharedChanger,
    nexus: &str,
    cdb: &Cdb,
    data: &mut Data<'_>,
    hold: &mut Duration,
) -> ReplyResult {
    match cdb.opcode() {
        OperationCode::TEST_UNIT_READY => ready(changer).map(|()| Reply::good()),
        OperationCode::INQUIRY => inquiry(changer, cdb, data),
        OperationCode::REQUEST_SENSE => request_sense(changer, nexus, cdb, data),
        OperationCode::REPORT_LUNS => report_luns(cdb, data),
        OperationCode::MODE_SENSE_6 | OperationCode::MODE_SENSE_10 => {
            mode_sense(changer, cdb, data)
        }
        // There is nothing to be set.
        OperationCode::MODE_SELECT_6 | OperationCode::MODE_SELECT_10 => mode_select(cdb),
        OperationCode::LOG_SENSE => log_sense(changer, cdb, data),
        OperationCode::READ_ELEMENT_STATUS => status::read(changer, cdb, data),
        OperationCode::INITIALIZE_ELEMENT_STATUS => inventory(changer, hold),
        OperationCode::INITIALIZE_ELEMENT_STATUS_WITH_RANGE
        | OperationCode::INITIALIZE_ELEMENT_STATUS_WITH_RANGE_VENDOR => {
            let _ = InitializeElements::parse_range(ten(cdb)?);
            inventory(changer, hold)
        }
        OperationCode::POSITION_TO_ELEMENT => position_to(changer, cdb, hold),
        OperationCode::OPEN_CLOSE_IMPORT_EXPORT => door(changer, cdb),
        OperationCode::PREVENT_ALLOW => {
            let prevent = PreventAllow::parse(six(cdb)?).prevent;
            changer.state.nexuses.meet(nexus).prevents_removal = prevent;
            Ok(Reply::good())
        }
        OperationCode::RESERVE_6 => {
            changer.state.reserved_by = Some(nexus.to_owned());
            Ok(Reply::good())
        }
        OperationCode::RELEASE_6 => {
            changer.state.reserved_by.take_if(|owner| owner == nexus);
            Ok(Reply::good())
        }
        _ => Err(Failure::invalid_opcode()),
    }
}

fn ready(changer: &SharedChanger) -> Result<(), Failure> {
    if changer.state.tray_open {
        return Err(Failure::new(
            SenseKey::NotReady,
            AdditionalSense::MEDIUM_NOT_PRESENT_TRAY_OPEN,
        ));
    }
    Ok(())
}

fn inquiry(changer: &SharedChanger, cdb: &Cdb, data: &mut Data<'_>) -> ReplyResult {
    let command = InquiryCommand::parse(six(cdb)?).ok_or(Failure::invalid_field(2))?;
    let serial = changer.config.changer_serial();
    let bytes = match command.page {
        None => Inquiry {
            peripheral_type: PeripheralType::Changer,
            vendor: identity::VENDOR.to_owned(),
            product: identity::CHANGER_PRODUCT.to_owned(),
            revision: identity::REVISION.to_owned(),
        }
        .to_bytes()
        .to_vec(),
        Some(VPD_SUPPORTED_PAGES) => identity::vpd(
            PeripheralType::Changer,
            VPD_SUPPORTED_PAGES,
            &[
                VPD_SUPPORTED_PAGES,
                VPD_UNIT_SERIAL_NUMBER,
                identity::VPD_IDENTIFICATION,
            ],
        ),
        Some(VPD_UNIT_SERIAL_NUMBER) => identity::vpd(
            PeripheralType::Changer,
            VPD_UNIT_SERIAL_NUMBER,
            serial.as_bytes(),
        ),
        Some(identity::VPD_IDENTIFICATION) => {
            let body = identity::identification(identity::CHANGER_PRODUCT, &serial);
            identity::vpd(PeripheralType::Changer, identity::VPD_IDENTIFICATION, &body)
        }
        Some(_) => return Err(Failure::invalid_field(2)),
    };
    Ok(Reply::data(&bytes, usize::from(command.allocation), data))
}

fn request_sense(
    changer: &mut SharedChanger,
    nexus: &str,
    cdb: &Cdb,
    data: &mut Data<'_>,
) -> ReplyResult {
    let command = RequestSense::parse(six(cdb)?);
    let sense = match changer.state.nexuses.next_attention(nexus) {
        Some(code) => Sense::new(SenseKey::UnitAttention, code),
        None => match ready(changer) {
            Ok(()) => Sense::new(SenseKey::NoSense, AdditionalSense::NONE),
            Err(failure) => failure.sense,
        },
    };
    let allocation = usize::from(command.allocation);
    Ok(if command.descriptor {
        Reply::data(&sense.to_descriptor(), allocation, data)
    } else {
        Reply::data(&sense.to_fixed(), allocation, data)
    })
}

/// Transport geometry: no rotation (SMC-3 7.3.5).
const GEOMETRY_PAGE: [u8; 4] = [0x1E, 0x02, 0x00, 0x00];

/// Device capabilities: everything but the gripper stores, and exchanges with everything (SMC-3 7.3.3).
fn capabilities_page() -> [u8; 20] {
    const ALL_BUT_TRANSPORT: u8 = 0x0E;
    let mut page = [0; 20];
    (page[0], page[1]) = (0x1F, 0x12);
    page[2] = ALL_BUT_TRANSPORT;
    page[4..8].fill(ALL_BUT_TRANSPORT);
    page[12..16].fill(ALL_BUT_TRANSPORT);
    page
}

fn mode_sense(changer: &SharedChanger, cdb: &Cdb, data: &mut Data<'_>) -> ReplyResult {
    const HEADER_BYTES: usize = 4;
    let command = if cdb.opcode() == OperationCode::MODE_SENSE_6 {
        ModeSense::parse_6(six(cdb)?)
    } else {
        ModeSense::parse_10(ten(cdb)?)
    };
    let addresses = changer.addresses.to_bytes();
    let addresses = &addresses[HEADER_BYTES..];
    let pages = match (command.page.page, command.page.subpage) {
        (0x1D, 0) => addresses.to_vec(),
        (0x1E, 0) => GEOMETRY_PAGE.to_vec(),
        (0x1F, 0) => capabilities_page().to_vec(),
        _ if command.page == page::ALL => {
            [addresses, &GEOMETRY_PAGE[..], &capabilities_page()[..]].concat()
        }
        _ => return Err(Failure::invalid_field(2)),
    };
    let parameters = ModeParameters {
        medium_type: 0,
        write_protected: false,
        buffered_mode: 0,
        speed: 0,
        block: None,
        pages,
    };
    let bytes = parameters.to_sense_bytes(command.form);
    Ok(Reply::data(&bytes, usize::from(command.allocation), data))
}

fn mode_select(cdb: &Cdb) -> ReplyResult {
    let length = if cdb.opcode() == OperationCode::MODE_SELECT_6 {
        u16::from(six(cdb)?[4])
    } else {
        let cdb = ten(cdb)?;
        u16::from_be_bytes([cdb[7], cdb[8]])
    };
    if length == 0 {
        Ok(Reply::good())
    } else {
        Err(Failure::invalid_parameter(0))
    }
}

fn log_sense(changer: &mut SharedChanger, cdb: &Cdb, data: &mut Data<'_>) -> ReplyResult {
    const ALERT_FLAGS: u8 = 64;
    let command = LogSense::parse(ten(cdb)?);
    if command.subpage != 0 {
        return Err(Failure::invalid_field(3));
    }
    let page = match command.page {
        PAGE_SUPPORTED => vec![PAGE_SUPPORTED, 0, 0, 2, PAGE_SUPPORTED, PAGE_TAPE_ALERT],
        PAGE_TAPE_ALERT => {
            let alerts = AlertFlags::from_bits(std::mem::take(&mut changer.state.alerts));
            (1..=ALERT_FLAGS)
                .fold(PageBuilder::new(PAGE_TAPE_ALERT), |page, flag| {
                    page.binary(u16::from(flag), &[u8::from(alerts.contains(flag))])
                })
                .finish()
        }
        _ => return Err(Failure::invalid_field(2)),
    };
    Ok(Reply::data(&page, usize::from(command.allocation), data))
}

fn inventory(changer: &mut SharedChanger, hold: &mut Duration) -> ReplyResult {
    ready(changer)?;
    let time = changer.timing.pace.duration(INVENTORY_TIME);
    if !time.is_zero() {
        let now = changer.now();
        changer.state.inventory = Some((now, now + time));
        *hold = time;
    }
    Ok(Reply::good())
}

fn position_to(changer: &mut SharedChanger, cdb: &Cdb, hold: &mut Duration) -> ReplyResult {
    ready(changer)?;
    let command = PositionToElement::parse(ten(cdb)?);
    moves::check_transport(changer, command.transport)?;
    moves::element_at(changer, command.destination)?;
    *hold = changer.timing.pace.duration(POSITION_TIME);
    Ok(Reply::good())
}

fn door(changer: &mut SharedChanger, cdb: &Cdb) -> ReplyResult {
    let command = ImportExportDoor::parse(six(cdb)?).ok_or(Failure::invalid_field(4))?;
    if command.close {
        close_tray(changer);
        return Ok(Reply::good());
    }
    if changer.state.nexuses.removal_prevented() {
        return Err(Failure::new(
            SenseKey::IllegalRequest,
            AdditionalSense::REMOVAL_PREVENTED,
        ));
    }
    changer.state.tray_open = true;
    Ok(Reply::good())
}

/// The mail slot may hold something else now.
pub(super) fn close_tray(changer: &mut SharedChanger) {
    if changer.state.tray_open {
        changer.state.tray_open = false;
        let code = AdditionalSense::IMPORT_EXPORT_ACCESSED;
        changer.state.nexuses.notify(code, None);
    }
}
