//! Reading a journal, whole or damaged. Damage is not a torn end: behind it the reader looks for the next whole frame.

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::episode::{Episode, EpisodeHeader, Tick};
use super::journal::{HeaderFrame, TickFrame};
use super::journal_file::{FRAME_HEAD, FrameKind, MAGIC, frame_hash};

/// The longest frame of a tick while no header is known, bytes.
const LONGEST_TICK: usize = 1 << 20;
/// Bytes of a tick's frame beside its values: numbers, lengths and flags, each of at most ten bytes.
const TICK_OVERHEAD: usize = 128;
/// A number of a tick at or above this is damage. Sums of smaller ones cannot overflow.
const LARGEST_NUMBER: u64 = 1 << 31;
/// The longest number, bytes.
const LONGEST_NUMBER: usize = 10;
/// While it looks for a whole frame, the reader hashes at most this many times the length of the journal: a journal that was
/// made for it would otherwise take hours.
const SEARCH_FACTOR: usize = 64;

/// What a damaged journal has lost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Damage {
    /// Ticks that cannot be read. Those behind the last whole frame are not known, and not counted.
    pub lost_ticks: usize,
    /// Bytes that cannot be read.
    pub lost_bytes: usize,
}

/// Everything that can be read of a journal.
#[derive(Debug)]
pub(super) struct JournalContents {
    pub recording: String,
    /// All whole ticks.
    pub episode: Episode,
    /// Whether it has an end frame: the operator had ended and kept the recording.
    pub finished: bool,
    /// `None` where nothing is damaged but a torn end, as a crash leaves it.
    pub damage: Option<Damage>,
}

/// Read a journal. `None` when it ends within its header: the header is on disk before the first tick, so that none was
/// recorded.
///
/// # Errors
/// What is wrong with a journal of which no header can be read.
pub(super) fn read(bytes: &[u8]) -> Result<Option<JournalContents>, String> {
    if MAGIC.starts_with(bytes) {
        return Ok(None);
    }
    let mut frames = Frames::new(bytes);
    let mut contents = loop {
        match frames.next() {
            Some((FrameKind::Header, payload)) => {
                if let Some(contents) = begin(payload) {
                    break contents;
                }
            }
            Some((FrameKind::Tick, _)) => frames.ticks_without_header += 1,
            Some((FrameKind::End, _)) => {}
            None if bytes.starts_with(MAGIC) && frames.read == 0 && is_torn(&bytes[MAGIC.len()..]) => return Ok(None),
            None if bytes.starts_with(MAGIC) || frames.read > 0 => {
                return Err(format!(
                    "its header is damaged, or of another version; {} whole ticks cannot be used without it",
                    frames.ticks_without_header
                ));
            }
            None => return Err("its first bytes are not those of a journal of this version".to_owned()),
        }
    };
    frames.know_header(&contents.episode.header);
    let mut damage = Damage::default();
    let mut numbered = 0u64;
    while let Some((kind, payload)) = frames.next() {
        match kind {
            FrameKind::Header => {}
            FrameKind::Tick => match decode::<TickFrame<OwnedTick>>(payload) {
                Some(TickFrame { number, tick }) if (numbered..LARGEST_NUMBER).contains(&number) => {
                    let (episode, lost) = (&mut contents.episode, (number - numbered) as usize);
                    let at = episode.len();
                    if episode.push(tick.borrow()).is_ok() {
                        if lost > 0 {
                            episode.first_gap.get_or_insert(at);
                        }
                        damage.lost_ticks += lost;
                        numbered = number + 1;
                    }
                }
                _ => frames.lost += FRAME_HEAD + payload.len(),
            },
            FrameKind::End => {
                let ticks = decode::<u64>(payload).filter(|ticks| (numbered..LARGEST_NUMBER).contains(ticks));
                damage.lost_ticks += (ticks.unwrap_or(numbered) - numbered) as usize;
                contents.finished = true;
                break;
            }
        }
    }
    damage.lost_bytes = frames.lost + if contents.finished || is_torn(frames.rest()) { 0 } else { frames.rest().len() };
    contents.damage = Some(damage).filter(|damage| *damage != Damage::default());
    Ok(Some(contents))
}

/// The contents that a header frame begins.
fn begin(payload: &[u8]) -> Option<JournalContents> {
    let HeaderFrame::<String, EpisodeHeader> { recording, header } = decode(payload)?;
    header.validate().ok()?;
    Some(JournalContents { recording, episode: Episode::new(header), finished: false, damage: None })
}

/// Whether `rest`, in which there is no whole frame, is what a crash leaves of the last write: less than a frame, or bytes
/// that were never written.
fn is_torn(rest: &[u8]) -> bool {
    let is_longer = |head: &[u8; FRAME_HEAD]| FRAME_HEAD + length(head) > rest.len();
    rest.first_chunk().is_none_or(is_longer) || rest.iter().all(|byte| *byte == 0)
}

/// The length of the payload in a frame's head.
fn length(head: &[u8; FRAME_HEAD]) -> usize {
    u32::from_le_bytes([head[0], head[1], head[2], head[3]]) as usize
}

/// The whole frames of a journal, in order.
struct Frames<'a> {
    bytes: &'a [u8],
    /// Where the next frame begins, if it is whole.
    at: usize,
    has_header: bool,
    /// The longest payload of a tick, bytes.
    longest_tick: usize,
    /// Bytes that may still be hashed in search of a whole frame.
    search_budget: usize,
    /// Whole frames so far.
    read: usize,
    ticks_without_header: usize,
    /// Bytes before whole frames that belong to none.
    lost: usize,
}

impl<'a> Frames<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        Self {
            bytes,
            at: if bytes.starts_with(MAGIC) { MAGIC.len() } else { 0 },
            has_header: false,
            longest_tick: LONGEST_TICK,
            search_budget: bytes.len().saturating_mul(SEARCH_FACTOR),
            read: 0,
            ticks_without_header: 0,
            lost: 0,
        }
    }

    /// Only frames that fit the header are whole from here on.
    fn know_header(&mut self, header: &EpisodeHeader) {
        let values = header.observation.size() + header.action.size() + header.other_act_dim + header.terms.len();
        self.longest_tick = values * size_of::<f32>() + TICK_OVERHEAD;
        self.has_header = true;
    }

    /// The bytes after the last whole frame.
    fn rest(&self) -> &'a [u8] {
        &self.bytes[self.at..]
    }

    /// The next whole frame. The bytes before it are lost.
    fn next(&mut self) -> Option<(FrameKind, &'a [u8])> {
        for start in self.at..self.bytes.len() {
            if let Some((kind, payload)) = self.frame_at(start) {
                // A damaged magic is not a loss.
                let expected = if self.read == 0 { start.min(MAGIC.len()) } else { self.at };
                self.lost += start - expected.max(self.at);
                self.at = start + FRAME_HEAD + payload.len();
                self.read += 1;
                return Some((kind, payload));
            }
        }
        None
    }

    /// The frame that begins at `start`, if it is whole.
    fn frame_at(&mut self, start: usize) -> Option<(FrameKind, &'a [u8])> {
        let (head, after) = self.bytes[start..].split_first_chunk::<FRAME_HEAD>()?;
        let kind = [FrameKind::Header, FrameKind::Tick, FrameKind::End].into_iter().find(|k| *k as u8 == head[12])?;
        let payload = after.get(..length(head))?;
        let fits = match kind {
            // Behind the first, a header is where it is expected, or nowhere.
            FrameKind::Header => !self.has_header || start == self.at,
            FrameKind::Tick => payload.len() <= self.longest_tick,
            FrameKind::End => payload.len() <= LONGEST_NUMBER,
        };
        if !fits {
            return None;
        }
        if start != self.at {
            self.search_budget = self.search_budget.checked_sub(payload.len())?;
        }
        let hash = u64::from_le_bytes(*head[4..].first_chunk()?);
        (hash == frame_hash(kind as u8, payload)).then_some((kind, payload))
    }
}

fn decode<T: DeserializeOwned>(payload: &[u8]) -> Option<T> {
    postcard::from_bytes(payload).ok()
}

/// [`Tick`] with owned arrays. It has the same fields in the same order, as postcard requires.
#[derive(Deserialize)]
struct OwnedTick {
    observation: Vec<f32>,
    action: Vec<f32>,
    other_actions: Vec<f32>,
    reward: f32,
    terms: Vec<f32>,
    done: bool,
    success: bool,
    intervention: bool,
    state_hash: u64,
}

impl OwnedTick {
    fn borrow(&self) -> Tick<'_> {
        Tick {
            observation: &self.observation,
            action: &self.action,
            other_actions: &self.other_actions,
            reward: self.reward,
            terms: &self.terms,
            done: self.done,
            success: self.success,
            intervention: self.intervention,
            state_hash: self.state_hash,
        }
    }
}
