//! RFC 3339 times, to the second (config-and-time.md 9).
//!
//! Snapshot directories are named by the UTC form, key files carry the form with a numeric offset. The parser is as
//! lenient as PBS's: fields have upper bounds only and are normalised, so 31 February is 2 March.

use crate::error::{FormatError, Result};

const WHAT: &str = "RFC 3339 time";
const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// Last second that can be written: 9999-12-31T23:59:59Z.
pub const MAX_EPOCH: i64 = 253_402_300_799;
/// First second that can be written: 0000-01-01T00:00:00Z.
pub const MIN_EPOCH: i64 = -62_167_219_200;

/// Reads `YYYY-MM-DDTHH:MM:SSZ` or the same with `+HH:MM` or `-HH:MM` for the `Z`; seconds since 1970.
///
/// # Errors
/// [`FormatError::Invalid`] for any other form, a fraction, lower case letters, or a field above its bound.
pub fn parse(text: &str) -> Result<i64> {
    let bytes = text.as_bytes();
    let (date_time, zone) = bytes.split_at_checked(19).ok_or_else(|| refuse(text))?;
    let seconds = parse_date_time(date_time).ok_or_else(|| refuse(text))?;
    let offset = parse_zone(zone).ok_or_else(|| refuse(text))?;
    Ok(seconds - offset)
}

fn refuse(text: &str) -> FormatError {
    let shown: String = text.chars().take(40).collect();
    FormatError::invalid(
        WHAT,
        format!("\"{}\" is not YYYY-MM-DDTHH:MM:SSZ", shown.escape_debug()),
    )
}

fn parse_date_time(bytes: &[u8]) -> Option<i64> {
    let separators = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':')];
    if separators.iter().any(|&(at, byte)| bytes[at] != byte) {
        return None;
    }
    let year = number(&bytes[..4], 9999)?;
    let month = number(&bytes[5..7], 12)?;
    let day = number(&bytes[8..10], 31)?;
    let hour = number(&bytes[11..13], 23)?;
    let minute = number(&bytes[14..16], 59)?;
    let second = number(&bytes[17..19], 60)?;
    Some(days_before(year, month) * DAY + (day - 1) * DAY + hour * HOUR + minute * MINUTE + second)
}

fn parse_zone(bytes: &[u8]) -> Option<i64> {
    let (sign, h, m) = match bytes {
        b"Z" => return Some(0),
        [b'+', h @ .., b':', a, b] if h.len() == 2 => (1, h, [*a, *b]),
        [b'-', h @ .., b':', a, b] if h.len() == 2 => (-1, h, [*a, *b]),
        _ => return None,
    };
    Some(sign * (number(h, 23)? * HOUR + number(&m, 59)? * MINUTE))
}

fn number(digits: &[u8], max: i64) -> Option<i64> {
    let mut value = 0;
    for digit in digits {
        value = value * 10 + i64::from(digit.is_ascii_digit().then(|| digit - b'0')?);
    }
    (value <= max).then_some(value)
}

/// Writes `YYYY-MM-DDTHH:MM:SSZ`.
///
/// # Errors
/// [`FormatError::Invalid`] outside of the years 0 to 9999.
pub fn format_utc(epoch: i64) -> Result<String> {
    format_local(epoch).map(|text| text + "Z")
}

/// Writes `YYYY-MM-DDTHH:MM:SS+HH:MM`, local time `offset_seconds` east of UTC; `+00:00` for UTC. Seconds within a
/// minute of the offset are dropped from the text (and from the time shown).
///
/// # Errors
/// [`FormatError::Invalid`] outside of the years 0 to 9999, or for an offset of a day or more.
pub fn format_with_offset(epoch: i64, offset_seconds: i32) -> Result<String> {
    let offset = i64::from(offset_seconds) / MINUTE * MINUTE;
    if offset.abs() >= DAY {
        return Err(FormatError::invalid(
            WHAT,
            format!("offset of {offset_seconds} s is above a day"),
        ));
    }
    let local = epoch.checked_add(offset).unwrap_or(i64::MAX);
    let sign = if offset < 0 { '-' } else { '+' };
    let (hours, minutes) = (offset.abs() / HOUR, offset.abs() % HOUR / MINUTE);
    Ok(format!(
        "{}{sign}{hours:02}:{minutes:02}",
        format_local(local)?
    ))
}

fn format_local(seconds: i64) -> Result<String> {
    if !(MIN_EPOCH..=MAX_EPOCH).contains(&seconds) {
        return Err(FormatError::invalid(
            WHAT,
            format!("{seconds} s is not in the years 0 to 9999"),
        ));
    }
    let (year, month, day) = date_of(seconds.div_euclid(DAY));
    let second = seconds.rem_euclid(DAY);
    let (hour, minute) = (second / HOUR, second % HOUR / MINUTE);
    Ok(format!(
        "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{:02}",
        second % MINUTE
    ))
}

/// Days from 1970-01-01 to the first of a month of the proleptic Gregorian calendar; month 0 is the December before.
///
/// Counts in years that begin in March, so that the leap day is the last day of a year.
fn days_before(year: i64, month: i64) -> i64 {
    let months = year * 12 + month - 3;
    let (year, month) = (months.div_euclid(12), months.rem_euclid(12));
    let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    // 153 days in five months from March on: 31, 30, 31, 30, 31. 719468 days lie between 0000-03-01 and 1970-01-01.
    year * 365 + leap_days + (153 * month + 2) / 5 - 719_468
}

/// Year, month 1..=12 and day 1..=31 of a day counted from 1970-01-01.
fn date_of(days: i64) -> (i64, i64, i64) {
    const DAYS_IN_400_YEARS: i64 = 146_097;
    let days = days + 719_468;
    let (era, day) = (
        days.div_euclid(DAYS_IN_400_YEARS),
        days.rem_euclid(DAYS_IN_400_YEARS),
    );
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day_of_year = day - (365 * year + year / 4 - year / 100);
    let march_month = (5 * day_of_year + 2) / 153;
    let day_of_month = day_of_year - (153 * march_month + 2) / 5 + 1;
    let (month, carry) = if march_month < 10 {
        (march_month + 3, 0)
    } else {
        (march_month - 9, 1)
    };
    (era * 400 + year + carry, month, day_of_month)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;
    use crate::vectors;

    #[test]
    fn vectors() {
        let file: Value = vectors::read("time/rfc3339");
        for case in file["cases"].as_array().unwrap() {
            let text = case["text"].as_str().unwrap();
            assert_eq!(parse(text).ok(), case["epoch"].as_i64(), "{text}");
        }
    }

    #[test]
    fn texts_of_other_shapes_are_refused() {
        for text in [
            "2024-05-01T12:00:0\u{e4}",
            "2024-05-01T12:00:00\u{e4}",
            "-024-05-01T12:00:00Z",
            "2024-05-01T12:00:00+2:00",
            "2024-05-01T12:00:00+24:00",
            "2024-05-01T12:00:00+02:60",
            "2024-05-01T12:00:00+02:00Z",
            " 2024-05-01T12:00:00Z",
            "2024-05-01T+2:00:00Z",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn ends_of_the_range() {
        assert_eq!(format_utc(MIN_EPOCH).unwrap(), "0000-01-01T00:00:00Z");
        assert_eq!(format_utc(MAX_EPOCH).unwrap(), "9999-12-31T23:59:59Z");
        assert_eq!(format_utc(0).unwrap(), "1970-01-01T00:00:00Z");
        for bad in [MIN_EPOCH - 1, MAX_EPOCH + 1, i64::MIN, i64::MAX] {
            assert!(format_utc(bad).is_err(), "{bad}");
        }
        assert!(format_with_offset(i64::MAX, 3600).is_err());
        assert!(format_with_offset(0, 86_400).is_err());
    }

    #[test]
    fn local_form() {
        assert_eq!(
            format_with_offset(1_714_564_800, 0).unwrap(),
            "2024-05-01T12:00:00+00:00"
        );
        assert_eq!(
            format_with_offset(1_714_564_800, 7200).unwrap(),
            "2024-05-01T14:00:00+02:00"
        );
        assert_eq!(
            format_with_offset(1_714_564_800, -16_200).unwrap(),
            "2024-05-01T07:30:00-04:30"
        );
        assert_eq!(
            format_with_offset(1_714_564_800, -16_219).unwrap(),
            "2024-05-01T07:30:00-04:30"
        );
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(epoch in MIN_EPOCH + 86_400..MAX_EPOCH - 86_400, minutes in -1439i32..1440) {
            prop_assert_eq!(parse(&format_utc(epoch).unwrap()), Ok(epoch));
            prop_assert_eq!(parse(&format_with_offset(epoch, minutes * 60).unwrap()), Ok(epoch));
        }

        #[test]
        fn any_text_parses_or_fails(text in "[0-9TZ:+-]{18,26}") {
            let _ = parse(&text);
        }
    }
}
