//! Lists of choices as text: base64 of small numbers as few bytes, as traces and scenarios carry them.

use base64::{Engine as _, prelude::BASE64_STANDARD};

/// A scenario carries no longer list.
pub(crate) const LONGEST: usize = 1_000_000;
/// A scenario carries no longer text of one, bytes.
pub(crate) const TEXT_MAX: usize = 4 << 20;

/// A list as text.
pub(crate) fn encode(choices: &[u32]) -> String {
    BASE64_STANDARD.encode(varints(choices))
}

/// The list that a text stands for; none, if it is no text of a list.
pub(crate) fn decode(text: &str) -> Option<Vec<u32>> {
    from_varints(&BASE64_STANDARD.decode(text).ok()?)
}

/// Small numbers as few bytes: seven bits a byte, the last one without its top bit.
fn varints(numbers: &[u32]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(numbers.len() * 2);
    for &number in numbers {
        let mut rest = number;
        while rest >= 0x80 {
            bytes.push(rest as u8 | 0x80);
            rest >>= 7;
        }
        bytes.push(rest as u8);
    }
    bytes
}

fn from_varints(bytes: &[u8]) -> Option<Vec<u32>> {
    let mut numbers = Vec::with_capacity(bytes.len());
    let (mut number, mut shift) = (0_u64, 0);
    for &byte in bytes {
        number |= u64::from(byte & 0x7f) << shift;
        shift += 7;
        if byte & 0x80 == 0 {
            numbers.push(u32::try_from(number).ok()?);
            (number, shift) = (0, 0);
        } else if shift > 28 {
            return None;
        }
    }
    (shift == 0).then_some(numbers)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn choices_there_and_back(numbers in prop::collection::vec(any::<u32>(), 0..200)) {
            prop_assert_eq!(from_varints(&varints(&numbers)), Some(numbers));
        }

        #[test]
        fn a_list_is_text_and_text_a_list(numbers in prop::collection::vec(any::<u32>(), 0..50)) {
            prop_assert_eq!(decode(&encode(&numbers)), Some(numbers));
        }

        #[test]
        fn any_text_is_a_list_or_refused(text in any::<String>()) {
            let _ = decode(&text);
        }

        #[test]
        fn any_bytes_are_a_list_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..50)) {
            let _ = from_varints(&bytes);
        }
    }
}
