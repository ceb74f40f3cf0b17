//! The drive's own encryption (scsi.md 2.19; since-3.2.4.md B5). The key stays in the drive only as long as this handle.

use zeroize::Zeroize;

use super::Drive;
use super::execute::Effect;
use crate::encryption::{
    self, ALLOCATION, EncryptionMode, KEY_BYTES, MalformedEncryptionPage, PAGE_CAPABILITIES,
    PAGE_STATUS, SecurityProtocolIn, SecurityProtocolOut,
};
use crate::error::ScsiError;
use crate::opcode::OperationCode;
use crate::sense::SenseKey;
use crate::timeouts;
use crate::transport::Data;

/// What this handle knows about the drive's encryption.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct EncryptionState {
    /// A key was set and not cleared since.
    key_set: bool,
    /// Interruptions counted when the drive last said that it has the key: a reset makes it forget.
    confirmed_at: u64,
    /// Clearing failed once: library or drive policy forbids it, or offers no encryption, and it is not tried again.
    managed_elsewhere: bool,
}

impl Drive {
    /// What the drive does with data now.
    pub fn encryption_mode(&mut self) -> Result<EncryptionMode, ScsiError> {
        let page = self.security_page(PAGE_STATUS)?;
        encryption::parse_status(&page).map_err(malformed)
    }

    /// Somebody else (the library) manages encryption: whether data is encrypted is not ours to say.
    pub fn encryption_managed_elsewhere(&self) -> bool {
        self.encryption.managed_elsewhere
    }

    /// Sets the key for all that follows, and checks that the drive took it.
    pub fn set_encryption_key(&mut self, key: &[u8; KEY_BYTES]) -> Result<(), ScsiError> {
        let algorithm = self.algorithm()?.ok_or(ScsiError::NoEncryption)?;
        let mut page = encryption::enable_page(algorithm, key);
        self.encryption.key_set = true;
        let result = self.security_out(&page);
        page.zeroize();
        result?;
        self.confirm_key()
    }

    /// True if a key was set through this handle and not cleared since.
    pub fn has_encryption_key(&self) -> bool {
        self.encryption.key_set
    }

    fn confirm_key(&mut self) -> Result<(), ScsiError> {
        let interruptions = self.notices.interruptions;
        self.expect_mode(EncryptionMode::Mixed)?;
        self.encryption.confirmed_at = interruptions;
        Ok(())
    }

    /// After a reset the drive may stand where it stood and have lost the key: what is written then would lie on the tape in
    /// plain.
    pub(super) fn check_key(&mut self) -> Result<(), ScsiError> {
        if self.encryption.key_set && self.encryption.confirmed_at != self.notices.interruptions {
            return self.confirm_key();
        }
        Ok(())
    }

    /// Checks that what is written from now on will be encrypted, or will not be, as wished (tape-format.md 9.4). A drive that
    /// cannot tell does not encrypt; with encryption managed by the library it is not ours to say.
    ///
    /// # Errors
    /// [`ScsiError::EncryptionMode`].
    pub fn expect_encryption(&mut self, wanted: bool) -> Result<(), ScsiError> {
        let mode = match self.encryption_mode() {
            Ok(mode) => mode,
            Err(error @ ScsiError::Transport { .. }) => return Err(error),
            Err(_) => EncryptionMode::Off,
        };
        let encrypts = mode != EncryptionMode::Off;
        if encrypts == wanted || (!wanted && self.encryption.managed_elsewhere) {
            return Ok(());
        }
        Err(ScsiError::EncryptionMode {
            expected: if wanted {
                "encrypting"
            } else {
                EncryptionMode::Off.name()
            },
            found: mode.name().to_owned(),
        })
    }

    /// Makes the drive forget the key. A drive without encryption has nothing to forget; one that forbids it is remembered.
    pub fn clear_encryption_key(&mut self) -> Result<(), ScsiError> {
        if self.encryption.managed_elsewhere {
            return Ok(());
        }
        let result = self.try_clear();
        match result {
            Ok(()) => self.encryption.key_set = false,
            // Without a key of ours in the drive the worst is that the library encrypts, as its owner wants.
            Err(error) if !self.encryption.key_set && is_refusal(&error) => {
                self.encryption.managed_elsewhere = true;
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }

    fn try_clear(&mut self) -> Result<(), ScsiError> {
        let algorithm = match self.algorithm() {
            Ok(Some(algorithm)) => algorithm,
            // It has encryption and does not offer it.
            Ok(None) => return Err(ScsiError::NoEncryption),
            // Not reached is not the same as not able.
            Err(error @ ScsiError::Transport { .. }) => return Err(error),
            Err(_) => return Ok(()),
        };
        self.security_out(&encryption::disable_page(algorithm))?;
        self.expect_mode(EncryptionMode::Off)
    }

    fn algorithm(&mut self) -> Result<Option<u8>, ScsiError> {
        let page = self.security_page(PAGE_CAPABILITIES)?;
        encryption::parse_capabilities(&page).map_err(malformed)
    }

    fn expect_mode(&mut self, expected: EncryptionMode) -> Result<(), ScsiError> {
        let found = self.encryption_mode()?;
        if found == expected {
            return Ok(());
        }
        Err(ScsiError::EncryptionMode {
            expected: expected.name(),
            found: found.name().to_owned(),
        })
    }

    fn security_page(&mut self, page: u16) -> Result<Vec<u8>, ScsiError> {
        let mut buffer = vec![0; ALLOCATION as usize];
        let cdb = SecurityProtocolIn {
            page,
            allocation: ALLOCATION,
        }
        .cdb();
        let received = self.query(&cdb, &mut buffer, timeouts::PAGE)?;
        buffer.truncate(received);
        Ok(buffer)
    }

    fn security_out(&mut self, page: &[u8]) -> Result<(), ScsiError> {
        let length = u32::try_from(page.len()).unwrap_or(u32::MAX);
        self.transfer(
            &SecurityProtocolOut { length }.cdb(),
            Data::Out(page),
            Effect::Absolute,
            timeouts::PAGE,
        )?;
        Ok(())
    }
}

impl Drop for Drive {
    fn drop(&mut self) {
        if self.encryption.key_set {
            // Nobody is left to tell; the next one who opens the drive clears it again.
            let _ = self.try_clear();
        }
    }
}

/// The drive answered, and does not want to: the decision of a policy, not a disturbance.
fn is_refusal(error: &ScsiError) -> bool {
    match error {
        ScsiError::EncryptionMode { .. } | ScsiError::NoEncryption => true,
        ScsiError::Check { check, .. } => matches!(
            check.sense.key,
            SenseKey::IllegalRequest | SenseKey::DataProtect
        ),
        _ => false,
    }
}

fn malformed(error: MalformedEncryptionPage) -> ScsiError {
    ScsiError::Reply {
        command: OperationCode::SECURITY_PROTOCOL_IN,
        what: error.to_string(),
    }
}
