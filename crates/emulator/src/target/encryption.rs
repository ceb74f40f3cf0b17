//! Encryption in the drive: the pages of SECURITY PROTOCOL IN and OUT, and blocks under their key (scsi.md 2.19, 7.7).
//!
//! Data is really encrypted, AES-256-GCM: who has the cartridge file and not the key has nothing. A sealed block is
//!
//! | bytes | what |
//! |---|---|
//! | 8 | tells the key: start of SHA-256 of a fixed text and the key |
//! | 12 | nonce, random |
//! | 16 | tag; the authenticated data is the KAD below |
//! | 2 + 32 + 12 | lengths of unauthenticated and authenticated KAD, and these |
//! | rest | ciphertext |
//!
//! The key lives in the drive's state as in a drive's memory: until it is cleared, the drive is reset or loses power (for the
//! drives of a library: the machine restarts).

use aes_gcm::aead::{AeadInOut, KeyInit};
use aes_gcm::{Aes256Gcm, Nonce, Tag};
use ferrite_scsi::asc::AdditionalSense;
use ferrite_scsi::encryption::{
    KEY_BYTES, PAGE_CAPABILITIES, PAGE_SET_ENCRYPTION, PAGE_STATUS, PROTOCOL_TAPE_ENCRYPTION,
};
use ferrite_scsi::sense::SenseKey;
use ferrite_scsi::{Cdb, Data};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use zeroize::{Zeroize, ZeroizeOnDrop};

use super::reply::{self, Failure, Reply, ReplyResult};
use super::{DriveTarget, Slot};
use crate::medium::Medium;

/// Pages of protocol 00h.
const PROTOCOL_INFORMATION: u8 = 0x00;
const PAGE_IN_SUPPORT: u16 = 0x0000;
const PAGE_OUT_SUPPORT: u16 = 0x0001;
const PAGE_KEY_FORMATS: u16 = 0x0011;
const PAGE_MANAGEMENT: u16 = 0x0012;
const PAGE_NEXT_BLOCK: u16 = 0x0021;
/// First generation that encrypts.
const FIRST_GENERATION: u8 = 4;
/// Index of AES-256-GCM, as with IBM.
const ALGORITHM: u8 = 1;
const ALGORITHM_CODE: u32 = 0x0001_0014;
const UKAD_BYTES: usize = 32;
const AKAD_BYTES: usize = 12;
const MODE_OFF: u8 = 0;
const MODE_ENCRYPT: u8 = 2;
const DECRYPT_RAW: u8 = 1;
const DECRYPT_ON: u8 = 2;
const DECRYPT_MIXED: u8 = 3;
/// Wrong keys in a row after which the drive takes no more (scsi.md 1.4, 7/26/10).
const MOST_WRONG_KEYS: u8 = 10;

/// Who decides about encryption in a drive (since-3.2.4.md B5).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EncryptionControl {
    /// The programs that use it.
    #[default]
    Application,
    /// The library: everything is encrypted, labels included, with a key that programs never see; theirs are refused.
    Library,
    /// Nobody: the drive has no encryption.
    None,
}

/// Modes, key and what belongs to it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
pub(crate) struct Parameters {
    pub encrypt: u8,
    pub decrypt: u8,
    key: Option<[u8; KEY_BYTES]>,
    ukad: Vec<u8>,
    akad: Vec<u8>,
    /// The key is forgotten when the tape leaves the drive.
    clear_on_demount: bool,
}

impl std::fmt::Debug for Parameters {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Parameters")
            .field("encrypt", &self.encrypt)
            .field("decrypt", &self.decrypt)
            .finish_non_exhaustive()
    }
}

/// Parameters of the drive, and of single initiators.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct EncryptionState {
    /// For all initiators without their own.
    shared: Option<Parameters>,
    /// Whose they are, and what.
    own: Vec<(String, Parameters)>,
    /// Counts every setting.
    instance: u32,
    /// Wrong keys in a row.
    wrong_keys: u8,
}

impl EncryptionState {
    fn of(&self, nexus: &str) -> Option<&Parameters> {
        let own = self.own.iter().find(|(name, _)| name == nexus);
        own.map(|(_, parameters)| parameters)
            .or(self.shared.as_ref())
    }

    /// Somebody's key is among it.
    pub fn holds_key(&self) -> bool {
        let own = self.own.iter().map(|(_, parameters)| parameters);
        own.chain(&self.shared)
            .any(|parameters| parameters.key.is_some())
    }

    /// Nothing is known any more.
    pub fn clear(&mut self) {
        self.shared = None;
        self.own.clear();
        self.wrong_keys = 0;
    }

    /// An initiator is gone, and its own key with it.
    pub fn forget(&mut self, nexus: &str) {
        self.own.retain(|(name, _)| name != nexus);
    }

    pub fn medium_leaves(&mut self) {
        self.shared
            .take_if(|parameters| parameters.clear_on_demount);
        self.own
            .retain(|(_, parameters)| !parameters.clear_on_demount);
        self.wrong_keys = 0;
    }
}

const SEAL_ID_BYTES: usize = 8;
const NONCE_BYTES: usize = 12;
const TAG_BYTES: usize = 16;
/// Bytes before the ciphertext.
const SEAL_BYTES: usize = SEAL_ID_BYTES + NONCE_BYTES + TAG_BYTES + 2 + UKAD_BYTES + AKAD_BYTES;
const TAG_AT: usize = SEAL_ID_BYTES + NONCE_BYTES;
const KAD_AT: usize = TAG_AT + TAG_BYTES;

fn key_id(key: &[u8; KEY_BYTES]) -> [u8; SEAL_ID_BYTES] {
    let mut hasher = Sha256::new();
    hasher.update(b"ferrite emulated drive: which key");
    hasher.update(key);
    let digest = hasher.finalize();
    let mut id = [0; SEAL_ID_BYTES];
    id.copy_from_slice(&digest[..SEAL_ID_BYTES]);
    id
}

/// Encrypts `block` into `sealed`.
fn seal(parameters: &Parameters, block: &[u8], sealed: &mut Vec<u8>) -> Option<()> {
    let key = parameters.key.as_ref()?;
    let mut nonce = [0; NONCE_BYTES];
    getrandom::fill(&mut nonce).ok()?;
    sealed.clear();
    sealed.extend_from_slice(&key_id(key));
    sealed.extend_from_slice(&nonce);
    sealed.extend_from_slice(&[0; TAG_BYTES]);
    sealed.push(parameters.ukad.len() as u8);
    sealed.push(parameters.akad.len() as u8);
    sealed.extend_from_slice(&parameters.ukad);
    sealed.resize(SEAL_BYTES - AKAD_BYTES, 0);
    sealed.extend_from_slice(&parameters.akad);
    sealed.resize(SEAL_BYTES, 0);
    sealed.extend_from_slice(block);
    let cipher = Aes256Gcm::new(key.into());
    let tag = cipher
        .encrypt_inout_detached(
            &Nonce::from(nonce),
            &parameters.akad,
            (&mut sealed[SEAL_BYTES..]).into(),
        )
        .ok()?;
    sealed[TAG_AT..KAD_AT].copy_from_slice(&tag);
    Some(())
}

/// Why a sealed block stays shut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shut {
    WrongKey,
    Damaged,
}

/// Decrypts in place; the block is what is behind [`SEAL_BYTES`].
fn open_seal(key: &[u8; KEY_BYTES], sealed: &mut [u8]) -> Result<(), Shut> {
    let (head, body) = sealed
        .split_at_mut_checked(SEAL_BYTES)
        .ok_or(Shut::Damaged)?;
    if head[..SEAL_ID_BYTES] != key_id(key) {
        return Err(Shut::WrongKey);
    }
    let (nonce, tag) = (&head[SEAL_ID_BYTES..TAG_AT], &head[TAG_AT..KAD_AT]);
    let akad_bytes = usize::from(head[KAD_AT + 1]).min(AKAD_BYTES);
    let akad = &head[SEAL_BYTES - AKAD_BYTES..][..akad_bytes];
    let nonce = Nonce::try_from(nonce).map_err(|_| Shut::Damaged)?;
    let tag = Tag::try_from(tag).map_err(|_| Shut::Damaged)?;
    Aes256Gcm::new(key.into())
        .decrypt_inout_detached(&nonce, akad, body.into(), &tag)
        .map_err(|_| Shut::Damaged)
}

fn protect(code: AdditionalSense) -> Failure {
    Failure::new(SenseKey::DataProtect, code)
}

/// What a library has its drives do; all emulated libraries have the same key.
pub(super) fn library_parameters(control: EncryptionControl) -> Option<Parameters> {
    if control != EncryptionControl::Library {
        return None;
    }
    let key = Sha256::digest(b"ferrite emulated library: its own key");
    Some(Parameters {
        encrypt: MODE_ENCRYPT,
        decrypt: DECRYPT_MIXED,
        key: Some(key.into()),
        ukad: Vec::new(),
        akad: Vec::new(),
        clear_on_demount: false,
    })
}

impl DriveTarget {
    fn encrypts(&self) -> bool {
        self.quirks.encryption != EncryptionControl::None
            && self
                .lto
                .is_some_and(|facts| facts.number >= FIRST_GENERATION)
    }

    fn encryption_of(&self, nexus: &str) -> Option<&Parameters> {
        self.library_encryption
            .as_ref()
            .or_else(|| self.state.encryption.of(nexus))
    }

    /// What is written by this initiator has to be encrypted so.
    pub(super) fn encryption_for_writing(&self, nexus: &str) -> Option<Parameters> {
        self.encryption_of(nexus)
            .filter(|parameters| parameters.encrypt == MODE_ENCRYPT)
            .cloned()
    }

    /// Writes one block under a key.
    pub(super) fn write_sealed(
        &mut self,
        parameters: &Parameters,
        block: &[u8],
    ) -> Result<crate::medium::Written, Failure> {
        let mut sealed = std::mem::take(&mut self.scratch);
        let sealing = seal(parameters, block, &mut sealed);
        let result = match (sealing, &mut self.slot) {
            (Some(()), Slot::Loaded(medium)) => {
                let object = medium.position().object;
                let length = u32::try_from(block.len()).unwrap_or(u32::MAX);
                medium
                    .write_sealed(&sealed, length)
                    .map_err(Failure::from)
                    .and_then(|written| {
                        note_encrypted(medium.as_mut(), object)?;
                        Ok(written)
                    })
            }
            _ => Err(protect(AdditionalSense::SECURITY_ERROR)),
        };
        self.scratch = sealed;
        result
    }

    /// Reads the next object if encryption has a say in it; `None`: it is read as usual.
    pub(super) fn read_protected(
        &mut self,
        nexus: &str,
        buffer: &mut [u8],
    ) -> Result<Option<u32>, Failure> {
        if !self.encrypts() {
            return Ok(None);
        }
        let (decrypt, key) = match self.encryption_of(nexus) {
            Some(parameters) => (parameters.decrypt, parameters.key),
            None => (MODE_OFF, None),
        };
        let Some(length) = self.medium()?.next_sealed()? else {
            let refused = matches!(decrypt, DECRYPT_RAW | DECRYPT_ON);
            if refused && self.medium()?.next_is_plain()? {
                return Err(protect(AdditionalSense::UNENCRYPTED_DATA));
            }
            return Ok(None);
        };
        if decrypt == MODE_OFF {
            return Err(protect(AdditionalSense::UNABLE_TO_DECRYPT));
        }
        let mut sealed = std::mem::take(&mut self.scratch);
        let result = self.open_next(decrypt, key, &mut sealed);
        if result.is_ok() {
            let bytes = buffer.len().min(length as usize);
            buffer[..bytes].copy_from_slice(&sealed[SEAL_BYTES..][..bytes]);
        }
        sealed.zeroize();
        self.scratch = sealed;
        result?;
        self.medium()?.skip_sealed()?;
        Ok(Some(length))
    }

    fn open_next(
        &mut self,
        decrypt: u8,
        key: Option<[u8; KEY_BYTES]>,
        sealed: &mut Vec<u8>,
    ) -> Result<(), Failure> {
        self.medium()?.read_sealed(sealed)?;
        if sealed.len() < SEAL_BYTES {
            return Err(protect(AdditionalSense::INTEGRITY_VALIDATION_FAILED));
        }
        if decrypt == DECRYPT_RAW {
            return Ok(());
        }
        let opened = match key {
            Some(key) => open_seal(&key, sealed),
            None => Err(Shut::WrongKey),
        };
        match opened {
            Ok(()) => {
                if self.state.encryption.wrong_keys > 0 {
                    self.state.encryption.wrong_keys = 0;
                }
                Ok(())
            }
            Err(Shut::WrongKey) => {
                let wrong = &mut self.state.encryption.wrong_keys;
                *wrong = wrong.saturating_add(1);
                Err(protect(AdditionalSense::INCORRECT_KEY))
            }
            Err(Shut::Damaged) => Err(protect(AdditionalSense::INTEGRITY_VALIDATION_FAILED)),
        }
    }

    pub(super) fn security_protocol_in(
        &mut self,
        nexus: &str,
        cdb: &Cdb,
        data: &mut Data<'_>,
    ) -> ReplyResult {
        if !self.encrypts() {
            return Err(Failure::invalid_opcode());
        }
        const INC_512: u8 = 0x80;
        let cdb = reply::twelve(cdb)?;
        let page = u16::from_be_bytes([cdb[2], cdb[3]]);
        let allocation = u32::from_be_bytes([cdb[6], cdb[7], cdb[8], cdb[9]]) as usize;
        if cdb[4] & INC_512 != 0 {
            return Err(Failure::invalid_field(4));
        }
        if cdb[1] == PROTOCOL_INFORMATION && page == 0 {
            // Reserved, length, protocols 00h and 20h.
            let list = [
                0,
                0,
                0,
                0,
                0,
                0,
                0,
                2,
                PROTOCOL_INFORMATION,
                PROTOCOL_TAPE_ENCRYPTION,
            ];
            return Ok(Reply::data(&list, allocation, data));
        }
        if cdb[1] != PROTOCOL_TAPE_ENCRYPTION {
            return Err(Failure::invalid_field(1));
        }
        let body = match page {
            PAGE_IN_SUPPORT => pages(&[
                PAGE_IN_SUPPORT,
                PAGE_OUT_SUPPORT,
                PAGE_CAPABILITIES,
                PAGE_KEY_FORMATS,
                PAGE_MANAGEMENT,
                PAGE_STATUS,
                PAGE_NEXT_BLOCK,
            ]),
            PAGE_OUT_SUPPORT if self.library_encryption.is_some() => Vec::new(),
            PAGE_OUT_SUPPORT => pages(&[PAGE_SET_ENCRYPTION]),
            PAGE_CAPABILITIES => self.capabilities(),
            // Plain keys only.
            PAGE_KEY_FORMATS => vec![0],
            PAGE_MANAGEMENT => vec![0x01, 0, 0, 0x07, 0, 0, 0, 0, 0, 0, 0, 0],
            PAGE_STATUS => self.encryption_status(nexus),
            PAGE_NEXT_BLOCK => self.next_block_status(nexus)?,
            _ => return Err(Failure::invalid_field(2)),
        };
        let mut bytes = page.to_be_bytes().to_vec();
        bytes.extend_from_slice(&(body.len() as u16).to_be_bytes());
        bytes.extend_from_slice(&body);
        Ok(Reply::data(&bytes, allocation, data))
    }

    fn capabilities(&self) -> Vec<u8> {
        // The mounted medium can be encrypted (AVFMV), distinguishes encrypted data and authenticates (bits 4, 5); both ways in
        // hardware.
        const CAPABLE: u8 = 0x3A;
        const AVFMV: u8 = 0x80;
        let usable = match &self.slot {
            Slot::Loaded(medium) => medium
                .chip()
                .is_some_and(|chip| chip.generation >= FIRST_GENERATION),
            Slot::Empty | Slot::Unusable { .. } => false,
        };
        if self.library_encryption.is_some() {
            let mut body = vec![0; 16];
            body[0] = 0x02; // CFG_P: configuration is prevented; no algorithm is offered
            return body;
        }
        let mut body = vec![0; 16 + 24];
        body[0] = 0x01; // CFG_P: can be configured
        let descriptor = &mut body[16..];
        descriptor[0] = ALGORITHM;
        descriptor[2..4].copy_from_slice(&20_u16.to_be_bytes());
        descriptor[4] = CAPABLE | if usable { AVFMV } else { 0 };
        descriptor[5] = 0x10; // the drive makes the nonce; both kinds of KAD may be shorter than their maximum
        descriptor[6..8].copy_from_slice(&(UKAD_BYTES as u16).to_be_bytes());
        descriptor[8..10].copy_from_slice(&(AKAD_BYTES as u16).to_be_bytes());
        descriptor[10..12].copy_from_slice(&(KEY_BYTES as u16).to_be_bytes());
        descriptor[12] = 0x09;
        descriptor[20..24].copy_from_slice(&ALGORITHM_CODE.to_be_bytes());
        body
    }

    fn encryption_status(&self, nexus: &str) -> Vec<u8> {
        const SCOPE_NEXUS: u8 = 1;
        const SCOPE_ALL: u8 = 2;
        const CONTROLLED_BY_LIBRARY: u8 = 3 << 4;
        let state = &self.state.encryption;
        let own = state.own.iter().any(|(name, _)| name == nexus);
        let parameters = self.encryption_of(nexus);
        let mut body = vec![0; 20];
        if self.library_encryption.is_some() {
            body[8] = CONTROLLED_BY_LIBRARY;
        }
        let scope = match (own, parameters) {
            (true, _) => SCOPE_NEXUS,
            (false, Some(_)) => SCOPE_ALL,
            (false, None) => 0,
        };
        body[0] = (if own { SCOPE_NEXUS } else { 0 } << 5) | scope;
        if !own && scope == SCOPE_ALL {
            body[0] |= SCOPE_ALL << 5;
        }
        body[4..8].copy_from_slice(&state.instance.to_be_bytes());
        if let Some(parameters) = parameters {
            (body[1], body[2]) = (parameters.encrypt, parameters.decrypt);
            if parameters.key.is_some() {
                body[3] = ALGORITHM;
                put_kad(&mut body, &parameters.ukad, &parameters.akad);
            }
        }
        body
    }

    fn next_block_status(&mut self, nexus: &str) -> Result<Vec<u8>, Failure> {
        const NOT_A_BLOCK: u8 = 2;
        const PLAIN: u8 = 3;
        const KEY_FITS: u8 = 5;
        const NO_KEY: u8 = 6;
        let object = self.medium()?.position().object;
        let mut body = vec![0; 12];
        body[..8].copy_from_slice(&object.to_be_bytes());
        if self.medium()?.next_sealed()?.is_none() {
            let plain = self.medium()?.next_is_plain()?;
            body[8] = if plain { PLAIN } else { NOT_A_BLOCK };
            return Ok(body);
        }
        let mut sealed = Vec::new();
        self.medium()?.read_sealed(&mut sealed)?;
        let head = sealed.get(..SEAL_BYTES).unwrap_or(&[]);
        let key = self.encryption_of(nexus).and_then(|all| all.key);
        let fits = key.is_some_and(|key| head.starts_with(&key_id(&key)));
        body[8] = if fits { KEY_FITS } else { NO_KEY };
        body[9] = ALGORITHM;
        if let [ukad, akad, ..] = *head.get(KAD_AT..).unwrap_or(&[]) {
            let ukad_bytes = usize::from(ukad).min(UKAD_BYTES);
            let akad_bytes = usize::from(akad).min(AKAD_BYTES);
            let ukad = &head[KAD_AT + 2..][..ukad_bytes];
            let akad = &head[SEAL_BYTES - AKAD_BYTES..][..akad_bytes];
            put_kad(&mut body, ukad, akad);
        }
        Ok(body)
    }

    pub(super) fn security_protocol_out(
        &mut self,
        nexus: &str,
        cdb: &Cdb,
        data: &mut Data<'_>,
    ) -> ReplyResult {
        if !self.encrypts() {
            return Err(Failure::invalid_opcode());
        }
        let cdb = reply::twelve(cdb)?;
        if cdb[1] != PROTOCOL_TAPE_ENCRYPTION {
            return Err(Failure::invalid_field(1));
        }
        if [cdb[2], cdb[3]] != PAGE_SET_ENCRYPTION.to_be_bytes() {
            return Err(Failure::invalid_field(2));
        }
        let length = u32::from_be_bytes([cdb[6], cdb[7], cdb[8], cdb[9]]) as usize;
        let list = match data {
            Data::Out(buffer) => buffer.get(..length),
            Data::None | Data::In(_) => None,
        };
        let list = list.ok_or_else(reply::parameter_list_length)?;
        if list.is_empty() {
            return Ok(Reply::good());
        }
        if self.library_encryption.is_some() {
            return Err(Failure::invalid_field(2));
        }
        if self.state.encryption.wrong_keys >= MOST_WRONG_KEYS {
            return Err(protect(AdditionalSense::KEY_FAIL_LIMIT));
        }
        let (scope, parameters) = parse_set_page(list)?;
        self.set_encryption(nexus, scope, parameters);
        Ok(Reply::transferred(length))
    }

    fn set_encryption(&mut self, nexus: &str, scope: Scope, parameters: Option<Parameters>) {
        let state = &mut self.state.encryption;
        state.instance = state.instance.wrapping_add(1);
        state.own.retain(|(name, _)| name != nexus);
        match scope {
            Scope::Public => {}
            Scope::Nexus => {
                if let Some(parameters) = parameters {
                    state.own.push((nexus.to_owned(), parameters));
                }
            }
            Scope::All => {
                state.shared = parameters;
                let code = AdditionalSense::ENCRYPTION_CHANGED_BY_OTHER;
                self.state.nexuses.notify(code, Some(nexus));
            }
        }
    }
}

fn note_encrypted(medium: &mut dyn Medium, object: u64) -> Result<(), Failure> {
    let known = medium.chip().is_none_or(|chip| {
        chip.wear
            .first_encrypted
            .is_some_and(|first| first < object)
    });
    if known {
        return Ok(());
    }
    if let Some(chip) = medium.chip_mut() {
        chip.wear.first_encrypted = Some(object);
        chip.wear.first_plain_after = None;
    }
    Ok(medium.store_chip()?)
}

fn pages(codes: &[u16]) -> Vec<u8> {
    codes.iter().flat_map(|code| code.to_be_bytes()).collect()
}

fn put_kad(body: &mut Vec<u8>, ukad: &[u8], akad: &[u8]) {
    for (kind, kad) in [(0, ukad), (1, akad)] {
        if !kad.is_empty() {
            body.extend_from_slice(&[kind, 0]);
            body.extend_from_slice(&(kad.len() as u16).to_be_bytes());
            body.extend_from_slice(kad);
        }
    }
}

/// Whom the parameters are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scope {
    /// Those that all initiators have.
    Public,
    /// This initiator.
    Nexus,
    /// Everybody.
    All,
}

/// The set data encryption page; without parameters: everything off.
fn parse_set_page(list: &[u8]) -> Result<(Scope, Option<Parameters>), Failure> {
    const HEADER_BYTES: usize = 20;
    const CKOD: u8 = 0x04;
    let invalid = |at: u16| Failure::invalid_parameter(at);
    let head = list
        .get(..HEADER_BYTES)
        .ok_or_else(reply::parameter_list_length)?;
    if head[..2] != PAGE_SET_ENCRYPTION.to_be_bytes() {
        return Err(invalid(0));
    }
    if usize::from(u16::from_be_bytes([head[2], head[3]])) + 4 != list.len() {
        return Err(invalid(2));
    }
    let scope = match head[4] >> 5 {
        0 => Scope::Public,
        1 => Scope::Nexus,
        2 => Scope::All,
        _ => return Err(invalid(4)),
    };
    let (encrypt, decrypt) = (head[6], head[7]);
    if encrypt != MODE_OFF && encrypt != MODE_ENCRYPT {
        return Err(invalid(6));
    }
    if decrypt > DECRYPT_MIXED {
        return Err(invalid(7));
    }
    let needs_key = encrypt == MODE_ENCRYPT || matches!(decrypt, DECRYPT_ON | DECRYPT_MIXED);
    if (needs_key || head[8] != 0) && head[8] != ALGORITHM {
        return Err(invalid(8));
    }
    if head[9] != 0 {
        return Err(invalid(9));
    }
    let key_bytes = usize::from(u16::from_be_bytes([head[18], head[19]]));
    // One that is not needed is ignored (SSC-3 8.5.3.2): some programs switch off with a key of zeros.
    if key_bytes != KEY_BYTES && (needs_key || key_bytes != 0) {
        return Err(invalid(18));
    }
    let key = list
        .get(HEADER_BYTES..HEADER_BYTES + key_bytes)
        .ok_or_else(|| invalid(18))?;
    let (ukad, akad) = parse_kads(list, HEADER_BYTES + key_bytes)?;
    if encrypt == MODE_OFF && decrypt == MODE_OFF {
        return Ok((scope, None));
    }
    Ok((
        scope,
        Some(Parameters {
            encrypt,
            decrypt,
            key: <[u8; KEY_BYTES]>::try_from(key).ok(),
            ukad,
            akad,
            clear_on_demount: head[5] & CKOD != 0,
        }),
    ))
}

fn parse_kads(list: &[u8], from: usize) -> Result<(Vec<u8>, Vec<u8>), Failure> {
    let (mut ukad, mut akad, mut at) = (Vec::new(), Vec::new(), from);
    while at < list.len() {
        let invalid = || Failure::invalid_parameter(u16::try_from(at).unwrap_or(u16::MAX));
        let head = list.get(at..at + 4).ok_or_else(invalid)?;
        let length = usize::from(u16::from_be_bytes([head[2], head[3]]));
        let value = list.get(at + 4..at + 4 + length).ok_or_else(invalid)?;
        match head[0] {
            0 if length <= UKAD_BYTES => ukad = value.to_vec(),
            1 if length <= AKAD_BYTES => akad = value.to_vec(),
            _ => return Err(invalid()),
        }
        at += 4 + length;
    }
    Ok((ukad, akad))
}
