//! Commands of an initiator, as an emulated device reads them.

use std::fmt::Debug;

use crate::attribute::{ReadAttribute, WriteAttribute};
use crate::command::{
    Erase, FormatMedium, LoadUnload, Locate, PreventAllow, Read, ReadPosition, ReportDensity,
    RequestSense, Rewind, Space, Write, WriteFilemarks,
};
use crate::inquiry::InquiryCommand;
use crate::log::LogSense;
use crate::mode::{ModeSelect, ModeSense};
use crate::opcode::OperationCode;
use crate::transport::Cdb;

/// Any CDB: whatever a parser takes from it is sent as a CDB that says the same.
pub fn any(data: &[u8]) {
    let Some(cdb) = Cdb::from_bytes(data) else {
        return;
    };
    let _ = std::hint::black_box(format!("{cdb:?}"));
    six(data);
    ten(data);
    sixteen(data);
}

fn six(data: &[u8]) {
    same(data, |cdb| Some(Read::parse(cdb)), Read::cdb);
    same(data, |cdb| Some(Write::parse(cdb)), Write::cdb);
    same(data, WriteFilemarks::parse, WriteFilemarks::cdb);
    same(data, |cdb| Some(Rewind::parse(cdb)), Rewind::cdb);
    same(
        data,
        |cdb| Some(RequestSense::parse(cdb)),
        RequestSense::cdb,
    );
    same(data, |cdb| Some(LoadUnload::parse(cdb)), LoadUnload::cdb);
    same(
        data,
        |cdb| Some(PreventAllow::parse(cdb)),
        PreventAllow::cdb,
    );
    same(data, |cdb| Some(Erase::parse(cdb)), Erase::cdb);
    same(data, FormatMedium::parse, FormatMedium::cdb);
    same(data, InquiryCommand::parse, InquiryCommand::cdb);
    same(data, |cdb| Some(ModeSense::parse_6(cdb)), ModeSense::cdb);
    same(data, ModeSelect::parse_6, ModeSelect::cdb);
    if let Some(space) = data.first_chunk().and_then(Space::parse_6) {
        assert_eq!(parse_space(&space.cdb()), Some(space));
    }
}

fn ten(data: &[u8]) {
    same(data, ReadPosition::parse, |read| read.cdb());
    same(
        data,
        |cdb| Some(ReportDensity::parse(cdb)),
        ReportDensity::cdb,
    );
    same(data, |cdb| Some(LogSense::parse(cdb)), LogSense::cdb);
    same(data, |cdb| Some(ModeSense::parse_10(cdb)), ModeSense::cdb);
    same(data, ModeSelect::parse_10, ModeSelect::cdb);
    if let Some(locate) = data.first_chunk().and_then(Locate::parse_10) {
        let again = locate
            .cdb()
            .as_bytes()
            .first_chunk()
            .and_then(Locate::parse_16);
        assert_eq!(again, Some(locate));
    }
}

fn sixteen(data: &[u8]) {
    same(data, Locate::parse_16, Locate::cdb);
    same(data, ReadAttribute::parse, ReadAttribute::cdb);
    same(
        data,
        |cdb| Some(WriteAttribute::parse(cdb)),
        WriteAttribute::cdb,
    );
    if let Some(space) = data.first_chunk().and_then(Space::parse_16) {
        assert_eq!(parse_space(&space.cdb()), Some(space));
    }
}

/// SPACE takes the short form where the count fits.
fn parse_space(cdb: &Cdb) -> Option<Space> {
    match cdb.opcode() {
        OperationCode::SPACE_6 => cdb.as_bytes().first_chunk().and_then(Space::parse_6),
        _ => cdb.as_bytes().first_chunk().and_then(Space::parse_16),
    }
}

fn same<const N: usize, T: PartialEq + Debug>(
    data: &[u8],
    parse: impl Fn(&[u8; N]) -> Option<T>,
    cdb: impl Fn(&T) -> Cdb,
) {
    let Some(command) = data.first_chunk().and_then(&parse) else {
        return;
    };
    let again = cdb(&command).as_bytes().first_chunk().and_then(&parse);
    assert_eq!(again, Some(command));
}
