//! Faults between host and device (scsi.md 7.10): armed in advance, hit at a command, counted.
//!
//! A [`Faults`] is a plan for any number of transports: drives and changer of one run share it, and with it one count of commands.
//! A [`Trigger`] says at which command a [`Fault`] happens, how often, with what probability (of a seed: one seed replays one run),
//! and not before what time. [`Faults::hits`] says which were hit; a test that plans faults compares.
//!
//! How the points of scsi.md 7.10 are made:
//!
//! | points | with |
//! |---|---|
//! | 1, 3, 5, 13, 28-30, 34-36, 37, 49, 50, 61, 62 | [`Fault::Sense`]; 2, 30 with [`Trigger::times`]; 28, 61 until a time |
//! | 4 | [`Fault::Deferred`] |
//! | 6, 7 | [`Fault::Corrupt`], [`Fault::Shorter`] |
//! | 8 | [`Fault::Longer`] |
//! | 9, 10 | [`Fault::Lost`], [`Fault::Duplicate`] |
//! | 11, 12 | [`Fault::LostFilemark`], [`Fault::ExtraFilemark`] |
//! | 14, 16 | [`Fault::NoWarning`]; always, or from the second on |
//! | 15, 17 | [`Fault::Warning`] |
//! | 18-22, 38, 39, 42-44, 51-54, 57, 58 | [`Fault::Act`] with what an operator does, or a reset |
//! | 23-25, 64 | [`Fault::Transport`] |
//! | 26, 27 | [`Fault::Shorter`], [`Fault::Implausible`] |
//! | 31, 32 | [`Fault::Status`] |
//! | 33 | [`Fault::EmptySense`] |
//! | 40, 41 | [`Fault::OneFileOff`], [`Fault::Rewrite`] |
//! | 45, 46, 48, 59, 60, 63 | [`Fault::Sense`], [`Fault::Rewrite`] |
//! | 47, 55 | [`Fault::Ignored`] |
//! | 56 | [`Fault::SenseAfter`] |
//! | 65 | [`Fault::TransferLimit`] |
//! | 66 | [`Fault::Slow`] |

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ferrite_scsi::asc::AdditionalSense;
use ferrite_scsi::command::{Space, SpaceUnit};
use ferrite_scsi::opcode::OperationCode;
use ferrite_scsi::sense::{Sense, SenseKey};
use ferrite_scsi::{Cdb, Completion, Data, Status, Transport, TransportError};

use crate::clock::{EmulatorClock, WallClock};

/// Changes data that came from a device.
pub type Rewriting = Arc<dyn Fn(&mut Vec<u8>) + Send + Sync>;

/// What happens instead of, or besides, a command.
#[derive(Clone)]
pub enum Fault {
    /// The command is not executed and fails with this sense.
    Sense(Sense),
    /// The command is executed and fails with this sense nevertheless.
    SenseAfter(Sense),
    /// The command is executed; that many commands later one is not, and fails with this sense as deferred.
    Deferred(Sense, u64),
    /// CHECK CONDITION, with nothing to it; not executed.
    EmptySense,
    /// Sense data of the command comes in descriptor format.
    DescriptorSense,
    /// Another status; not executed.
    Status(Status),
    /// The command does not reach the device.
    Transport(TransportError),
    /// The command is executed, its answer does not come back.
    AnswerLost(TransportError),
    /// The device says GOOD and does nothing.
    Ignored,
    /// A bit of the data from the device is wrong.
    Corrupt,
    /// That many bytes fewer come from the device.
    Shorter(usize),
    /// The block on the tape is longer by that many bytes than what was asked for.
    Longer(u32),
    /// Reading: an object is skipped. Writing: the block does not get onto the tape. Either succeeds.
    Lost,
    /// Reading: the last block comes again. Writing: the block is on the tape twice.
    Duplicate,
    /// A filemark is not noticed, or not written.
    LostFilemark,
    /// A filemark where there is none.
    ExtraFilemark,
    /// Early warnings are not given.
    NoWarning,
    /// Early warning, true or not; with this code.
    Warning(AdditionalSense),
    /// LOCATE ends one file too far.
    OneFileOff,
    /// The residual is larger than the buffer.
    Implausible,
    /// Data from the device is changed by this.
    Rewrite(Rewriting),
    /// This happens before the command is executed.
    Act(Arc<dyn Fn() + Send + Sync>),
    /// Transfers of more bytes are refused by the host adapter.
    TransferLimit(usize),
    /// It takes that long.
    Slow(Duration),
}

impl std::fmt::Debug for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Fault::Sense(sense) => write!(f, "Sense({sense})"),
            Fault::SenseAfter(sense) => write!(f, "SenseAfter({sense})"),
            Fault::Deferred(sense, after) => write!(f, "Deferred({sense}, {after})"),
            Fault::EmptySense => f.write_str("EmptySense"),
            Fault::DescriptorSense => f.write_str("DescriptorSense"),
            Fault::Status(status) => write!(f, "Status({status:?})"),
            Fault::Transport(error) => write!(f, "Transport({error})"),
            Fault::AnswerLost(error) => write!(f, "AnswerLost({error})"),
            Fault::Ignored => f.write_str("Ignored"),
            Fault::Corrupt => f.write_str("Corrupt"),
            Fault::Shorter(bytes) => write!(f, "Shorter({bytes})"),
            Fault::Longer(bytes) => write!(f, "Longer({bytes})"),
            Fault::Lost => f.write_str("Lost"),
            Fault::Duplicate => f.write_str("Duplicate"),
            Fault::LostFilemark => f.write_str("LostFilemark"),
            Fault::ExtraFilemark => f.write_str("ExtraFilemark"),
            Fault::NoWarning => f.write_str("NoWarning"),
            Fault::Warning(code) => write!(f, "Warning({:02X}/{:02X})", code.0, code.1),
            Fault::OneFileOff => f.write_str("OneFileOff"),
            Fault::Implausible => f.write_str("Implausible"),
            Fault::Rewrite(_) => f.write_str("Rewrite"),
            Fault::Act(_) => f.write_str("Act"),
            Fault::TransferLimit(bytes) => write!(f, "TransferLimit({bytes})"),
            Fault::Slow(time) => write!(f, "Slow({time:?})"),
        }
    }
}

impl Fault {
    /// [`Fault::Sense`] of key and code.
    pub fn sense(key: SenseKey, code: AdditionalSense) -> Self {
        Fault::Sense(Sense::new(key, code))
    }
}

/// At which commands a fault happens.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Trigger {
    code: Option<OperationCode>,
    index: Option<u64>,
    skip: u64,
    times: u64,
    probability: f64,
    from: Duration,
    until: Duration,
}

impl Trigger {
    /// Every command, once.
    pub const NEXT: Self = Self {
        code: None,
        index: None,
        skip: 0,
        times: 1,
        probability: 1.0,
        from: Duration::ZERO,
        until: Duration::MAX,
    };

    /// Command number `index` of the plan, from 0.
    pub fn command(index: u64) -> Self {
        Self {
            index: Some(index),
            ..Self::NEXT
        }
    }

    /// The next command of this code.
    pub fn on(code: OperationCode) -> Self {
        Self {
            code: Some(code),
            ..Self::NEXT
        }
    }

    /// Not the first `count` such commands.
    #[must_use]
    pub fn skip(self, count: u64) -> Self {
        Self {
            skip: count,
            ..self
        }
    }

    /// So often.
    #[must_use]
    pub fn times(self, count: u64) -> Self {
        Self {
            times: count,
            ..self
        }
    }

    /// Again and again.
    #[must_use]
    pub fn always(self) -> Self {
        self.times(u64::MAX)
    }

    /// Only with this probability, 0 to 1.
    #[must_use]
    pub fn with_probability(self, probability: f64) -> Self {
        Self {
            probability,
            ..self
        }
    }

    /// Only from that time of the plan's clock on, and before the other.
    #[must_use]
    pub fn between(self, from: Duration, until: Duration) -> Self {
        Self {
            from,
            until,
            ..self
        }
    }
}

/// A fault that happened.
#[derive(Clone, Debug)]
pub struct Hit {
    /// Number that [`Faults::arm`] gave.
    pub fault: usize,
    /// Number of the command, from 0.
    pub command: u64,
    /// The command.
    pub cdb: Cdb,
}

struct Armed {
    trigger: Trigger,
    fault: Fault,
    seen: u64,
    left: u64,
}

struct Plan {
    armed: Vec<Armed>,
    commands: u64,
    hits: Vec<Hit>,
    random: u64,
    clock: Arc<dyn EmulatorClock>,
}

impl Plan {
    /// Of the xorshift family: enough to throw dice with.
    fn dice(&mut self) -> f64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        (self.random >> 11) as f64 / (1u64 << 53) as f64
    }

    /// A block that is read now may have to be given again.
    fn duplicates(&self) -> bool {
        self.armed
            .iter()
            .any(|armed| matches!(armed.fault, Fault::Duplicate) && armed.left > 0)
    }

    /// The faults of this command, in the order they were armed.
    fn meet(&mut self, cdb: &Cdb) -> Vec<Fault> {
        let (command, now) = (self.commands, self.clock.now());
        self.commands += 1;
        let mut faults = Vec::new();
        for index in 0..self.armed.len() {
            let Armed {
                trigger,
                seen,
                left,
                ..
            } = &mut self.armed[index];
            let trigger = *trigger;
            let candidate = trigger.code.is_none_or(|code| code == cdb.opcode())
                && trigger.index.is_none_or(|index| index == command)
                && (trigger.from..trigger.until).contains(&now)
                && *left > 0;
            if !candidate {
                continue;
            }
            *seen += 1;
            if *seen <= trigger.skip {
                continue;
            }
            if trigger.probability < 1.0 && self.dice() >= trigger.probability {
                continue;
            }
            let armed = &mut self.armed[index];
            armed.left -= 1;
            faults.push(armed.fault.clone());
            self.hits.push(Hit {
                fault: index,
                command,
                cdb: *cdb,
            });
        }
        faults
    }
}

/// A plan of faults. Clones are the same plan.
#[derive(Clone)]
pub struct Faults {
    plan: Arc<Mutex<Plan>>,
}

impl std::fmt::Debug for Faults {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Faults").finish_non_exhaustive()
    }
}

impl Default for Faults {
    fn default() -> Self {
        Self::new(1, Arc::new(WallClock))
    }
}

impl Faults {
    /// Nothing armed yet. `seed` decides about probabilities, `clock` about times.
    pub fn new(seed: u64, clock: Arc<dyn EmulatorClock>) -> Self {
        Self {
            plan: Arc::new(Mutex::new(Plan {
                armed: Vec::new(),
                commands: 0,
                hits: Vec::new(),
                random: seed.max(1),
                clock,
            })),
        }
    }

    fn plan(&self) -> MutexGuard<'_, Plan> {
        self.plan.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Plans a fault; its number is what [`Hit::fault`] says.
    pub fn arm(&self, trigger: Trigger, fault: Fault) -> usize {
        let mut plan = self.plan();
        plan.armed.push(Armed {
            trigger,
            fault,
            seen: 0,
            left: trigger.times,
        });
        plan.armed.len() - 1
    }

    /// Commands so far.
    pub fn commands(&self) -> u64 {
        self.plan().commands
    }

    /// What was hit so far.
    pub fn hits(&self) -> Vec<Hit> {
        self.plan().hits.clone()
    }

    /// Numbers of faults that were planned and never hit.
    pub fn missed(&self) -> Vec<usize> {
        let plan = self.plan();
        (0..plan.armed.len())
            .filter(|index| plan.hits.iter().all(|hit| hit.fault != *index))
            .collect()
    }

    /// Puts the plan in front of a device.
    pub fn wrap<T: Transport>(&self, inner: T) -> FaultTransport<T> {
        FaultTransport {
            inner,
            faults: self.clone(),
            last_block: Vec::new(),
        }
    }
}

/// A device with faults.
pub struct FaultTransport<T> {
    inner: T,
    faults: Faults,
    /// What was read last, to be given again.
    last_block: Vec<u8>,
}

/// The answer and how it is changed.
type Answer = Result<Completion, TransportError>;

impl<T: Transport> Transport for FaultTransport<T> {
    fn execute(&mut self, cdb: &Cdb, mut data: Data<'_>, timeout: Duration) -> Answer {
        let (faults, duplicates) = {
            let mut plan = self.faults.plan();
            (plan.meet(cdb), plan.duplicates())
        };
        if faults.is_empty() && !duplicates {
            return self.inner.execute(cdb, data, timeout);
        }
        for fault in &faults {
            if let Some(answer) = self.before(fault, cdb, &mut data, timeout) {
                return answer;
            }
        }
        let mut answer = self.inner.execute(cdb, reborrow(&mut data), timeout);
        for fault in &faults {
            answer = self.after(fault, cdb, &mut data, timeout, answer);
        }
        if duplicates {
            self.keep_block(cdb, &data, &answer);
        }
        answer
    }
}

fn reborrow<'s>(data: &'s mut Data<'_>) -> Data<'s> {
    match data {
        Data::None => Data::None,
        Data::In(buffer) => Data::In(buffer),
        Data::Out(buffer) => Data::Out(buffer),
    }
}

fn check(sense: &Sense, residual: usize) -> Completion {
    Completion::check_condition(&sense.to_fixed(), residual)
}

fn filemark(residual: usize) -> Completion {
    let mut sense = Sense::new(SenseKey::NoSense, AdditionalSense::FILEMARK_DETECTED);
    sense.filemark = true;
    sense.information = Some(i64::try_from(residual).unwrap_or(i64::MAX));
    check(&sense, residual)
}

fn is_filemark(completion: &Completion) -> bool {
    matches!(completion.sense(), Some(Ok(sense)) if sense.filemark)
}

impl<T: Transport> FaultTransport<T> {
    /// What keeps the command from the device.
    fn before(
        &mut self,
        fault: &Fault,
        cdb: &Cdb,
        data: &mut Data<'_>,
        timeout: Duration,
    ) -> Option<Answer> {
        let length = data.len();
        let reading = cdb.opcode() == OperationCode::READ_6;
        match fault {
            Fault::Sense(sense) => Some(Ok(check(sense, length))),
            Fault::EmptySense => Some(Ok(Completion::with_status(Status::CheckCondition, length))),
            Fault::Status(status) => Some(Ok(Completion::with_status(*status, length))),
            Fault::Transport(error) => Some(Err(error.clone())),
            Fault::Ignored => Some(Ok(Completion::good(0))),
            Fault::ExtraFilemark => Some(Ok(filemark(length))),
            Fault::Lost if !reading => Some(Ok(Completion::good(0))),
            Fault::LostFilemark if !reading => Some(Ok(Completion::good(0))),
            Fault::Duplicate if reading => self.last_block_again(data).map(Ok),
            Fault::TransferLimit(limit) if length > *limit => {
                Some(Err(TransportError::TransferTooLarge { bytes: length }))
            }
            Fault::Act(act) => {
                act();
                None
            }
            Fault::Slow(time) => {
                let clock = Arc::clone(&self.faults.plan().clock);
                clock.sleep(*time);
                None
            }
            Fault::Lost => self
                .inner
                .execute(cdb, reborrow(data), timeout)
                .err()
                .map(Err),
            Fault::Deferred(sense, after) => {
                let mut deferred = *sense;
                deferred.deferred = true;
                let command = self
                    .faults
                    .commands()
                    .saturating_add(*after)
                    .saturating_sub(1);
                self.faults
                    .arm(Trigger::command(command), Fault::Sense(deferred));
                None
            }
            _ => None,
        }
    }

    /// What becomes of the answer.
    fn after(
        &mut self,
        fault: &Fault,
        cdb: &Cdb,
        data: &mut Data<'_>,
        timeout: Duration,
        answer: Answer,
    ) -> Answer {
        let length = data.len();
        let mut completion = match (fault, answer) {
            (Fault::AnswerLost(error), _) => return Err(error.clone()),
            (_, Err(error)) => return Err(error),
            (_, Ok(completion)) => completion,
        };
        let reading = cdb.opcode() == OperationCode::READ_6;
        Ok(match fault {
            Fault::SenseAfter(sense) => check(sense, completion.residual),
            Fault::DescriptorSense => match completion.sense() {
                Some(Ok(sense)) => {
                    Completion::check_condition(&sense.to_descriptor(), completion.residual)
                }
                _ => completion,
            },
            Fault::Warning(code) if completion.status == Status::Good => {
                let mut sense = Sense::new(SenseKey::NoSense, *code);
                sense.end_of_medium = true;
                check(&sense, completion.residual)
            }
            Fault::NoWarning => match completion.sense() {
                Some(Ok(sense)) if sense.key == SenseKey::NoSense && sense.end_of_medium => {
                    Completion::good(completion.residual)
                }
                _ => completion,
            },
            Fault::Implausible => {
                completion.residual = length + 1;
                completion
            }
            Fault::Shorter(bytes) => {
                completion.residual = (completion.residual + bytes).min(length);
                completion
            }
            Fault::Corrupt => {
                if let Data::In(buffer) = data {
                    let received = length.saturating_sub(completion.residual);
                    if let Some(byte) = buffer[..received].get_mut(received / 2) {
                        *byte ^= 0x10;
                    }
                }
                completion
            }
            Fault::Longer(bytes) if completion.status == Status::Good => {
                longer(cdb, *bytes, completion)
            }
            Fault::Rewrite(rewrite) => rewritten(rewrite, data, completion),
            Fault::LostFilemark if reading && is_filemark(&completion) => {
                self.inner.execute(cdb, reborrow(data), timeout)?
            }
            Fault::Duplicate if !reading => self.inner.execute(cdb, reborrow(data), timeout)?,
            Fault::OneFileOff if completion.status == Status::Good => {
                let space = Space {
                    unit: SpaceUnit::Filemarks,
                    count: 1,
                };
                let _ = self.inner.execute(&space.cdb(), Data::None, timeout)?;
                completion
            }
            _ => completion,
        })
    }

    fn last_block_again(&mut self, data: &mut Data<'_>) -> Option<Completion> {
        let Data::In(buffer) = data else {
            return None;
        };
        let bytes = self.last_block.len().min(buffer.len());
        if bytes == 0 {
            return None;
        }
        buffer[..bytes].copy_from_slice(&self.last_block[..bytes]);
        Some(Completion::good(buffer.len() - bytes))
    }

    fn keep_block(&mut self, cdb: &Cdb, data: &Data<'_>, answer: &Answer) {
        if let (Data::In(buffer), Ok(completion), OperationCode::READ_6) =
            (data, answer, cdb.opcode())
        {
            if completion.status == Status::Good {
                let received = buffer.len().saturating_sub(completion.residual);
                self.last_block.clear();
                self.last_block.extend_from_slice(&buffer[..received]);
            }
        }
    }
}

/// A block that is longer than what was asked for: said unless the host does not want to know.
fn longer(cdb: &Cdb, bytes: u32, completion: Completion) -> Completion {
    const SILI: u8 = 0x02;
    if cdb.as_bytes().get(1).is_some_and(|flags| flags & SILI != 0) {
        return completion;
    }
    let mut sense = Sense::new(SenseKey::NoSense, AdditionalSense::NONE);
    sense.incorrect_length = true;
    sense.information = Some(-i64::from(bytes));
    check(&sense, completion.residual)
}

fn rewritten(rewrite: &Rewriting, data: &mut Data<'_>, mut completion: Completion) -> Completion {
    if let Data::In(buffer) = data {
        let received = buffer.len().saturating_sub(completion.residual);
        let mut bytes = buffer[..received].to_vec();
        rewrite(&mut bytes);
        bytes.truncate(buffer.len());
        buffer[..bytes.len()].copy_from_slice(&bytes);
        completion.residual = buffer.len() - bytes.len();
    }
    completion
}
