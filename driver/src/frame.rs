//! What stands under a key, as bytes: a mark, a kind, the content, and a checksum over all of it and the key.
//!
//! The checksum covers the key, so that a block under a wrong key is no block, as a block's place is part
//! of what its own checksum covers.

use crc::{CRC_64_XZ, Crc};
use serde::{Serialize, de::DeserializeOwned};

const CHECKSUM: Crc<u64> = Crc::<u64>::new(&CRC_64_XZ);
const MARK: [u8; 3] = *b"BVD";
/// Mark, format, kind.
const HEAD: usize = 5;
const SUM: usize = 8;

/// What a frame holds.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[repr(u8)]
pub(crate) enum Kind {
    /// A replica's promise and what goes with it.
    Head = 1,
    /// A vote for a slot.
    Vote = 2,
    /// A snapshot of the machine.
    Snapshot = 3,
    /// A start of an agent.
    Start = 4,
    /// A text that was proposed.
    Text = 5,
    /// What a disk says of the system it belongs to.
    #[cfg(all(feature = "local", unix))]
    Charter = 6,
}

impl Kind {
    /// The format of its content.
    const fn format(self) -> u8 {
        match self {
            // What a store says of itself is what every build must be able to read.
            #[cfg(all(feature = "local", unix))]
            Self::Charter => 1,
            Self::Head | Self::Vote | Self::Snapshot | Self::Start | Self::Text => 2,
        }
    }
}

/// The bytes that hold `content` under `key`; `None` if it can't be written as bytes.
pub(crate) fn seal(kind: Kind, key: &str, content: &impl Serialize) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(128);
    bytes.extend_from_slice(&MARK);
    bytes.extend_from_slice(&[kind.format(), kind as u8]);
    let mut bytes = postcard::to_extend(content, bytes).ok()?;
    let sum = checksum(key, &bytes);
    bytes.extend_from_slice(&sum.to_le_bytes());
    Some(bytes)
}

/// Whether `content` is the same once it was written as bytes and read back. Not every type of a user's is.
pub(crate) fn comes_back<T: Serialize + DeserializeOwned + PartialEq>(content: &T) -> bool {
    let back = seal(Kind::Text, "", content).and_then(|bytes| open(Kind::Text, "", &bytes));
    back.as_ref() == Some(content)
}

/// What `bytes` under `key` hold; `None` if that is not of this kind, or not whole.
pub(crate) fn open<T: DeserializeOwned>(kind: Kind, key: &str, bytes: &[u8]) -> Option<T> {
    postcard::from_bytes(body(kind, key, bytes)?).ok()
}

/// The content of `bytes` under `key`, as bytes; `None` if that is not of this kind, or not whole.
pub(crate) fn body<'a>(kind: Kind, key: &str, bytes: &'a [u8]) -> Option<&'a [u8]> {
    let (body, sum) = bytes.split_at_checked(bytes.len().checked_sub(SUM)?)?;
    let head = [MARK[0], MARK[1], MARK[2], kind.format(), kind as u8];
    let fits = sum == checksum(key, body).to_le_bytes() && body.starts_with(&head);
    fits.then(|| &body[HEAD..])
}

fn checksum(key: &str, body: &[u8]) -> u64 {
    let mut digest = CHECKSUM.digest();
    digest.update(key.as_bytes());
    digest.update(body);
    digest.finalize()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_sealed_opens_under_its_key_and_kind_only() {
        let bytes = seal(Kind::Text, "a/b", &"words").unwrap();

        assert_eq!(open(Kind::Text, "a/b", &bytes), Some("words".to_owned()));
        assert_eq!(open::<String>(Kind::Text, "a/c", &bytes), None);
        assert_eq!(open::<String>(Kind::Start, "a/b", &bytes), None);
    }

    #[test]
    fn no_changed_bit_and_no_cut_opens() {
        let bytes = seal(Kind::Text, "k", &"some words to keep").unwrap();

        for cut in 0..bytes.len() {
            assert_eq!(open::<String>(Kind::Text, "k", &bytes[..cut]), None);
        }
        for bit in 0..bytes.len() * 8 {
            let mut rotten = bytes.clone();
            rotten[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(open::<String>(Kind::Text, "k", &rotten), None);
        }
    }
}
