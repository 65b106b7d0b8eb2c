//! Numbers as people read them.

/// A number with its thousands apart.
///
/// ```
/// assert_eq!(bivalent_sim::scenario::words::grouped(1_284), "1,284");
/// ```
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
