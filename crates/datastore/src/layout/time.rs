//! Backup times as directory names: `2024-05-01T12:00:00Z` (datastore.md 1.1).
//!
//! Own code because only this one form, always UTC, is ever needed; the day count is the usual proleptic Gregorian one.

use crate::error::{Error, Result};

const SECONDS_PER_DAY: i64 = 86_400;

/// The last second whose year has four digits.
const MAX_TIME: i64 = 253_402_300_799;

/// Days from 1970-01-01 to a date; `month` 1..=12. Years begin in March here, so that the leap day is the last day.
fn days_from_date(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

/// Year, month and day of a day count.
fn date_from_days(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 {
        shifted_month + 3
    } else {
        shifted_month - 9
    };
    let year = era * 400 + year_of_era + i64::from(month <= 2);
    (year, month, day)
}

/// Directory name of a backup time in epoch seconds.
///
/// # Errors
/// [`Error::Name`] when the time is below 1 or its year has more than four digits.
pub fn format_backup_time(time: i64) -> Result<String> {
    if !(1..=MAX_TIME).contains(&time) {
        return Err(Error::Name {
            what: "backup time",
            text: time.to_string(),
            rule: "must lie between 1970-01-01T00:00:01Z and 9999-12-31T23:59:59Z",
        });
    }
    let (year, month, day) = date_from_days(time / SECONDS_PER_DAY);
    let second = time % SECONDS_PER_DAY;
    Ok(format!(
        "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z",
        second / 3600,
        second / 60 % 60,
        second % 60
    ))
}

/// Backup time of a directory name, in epoch seconds.
///
/// # Errors
/// [`Error::Name`] when the text has another form, names a date that does not exist, or lies before 1970-01-01T00:00:01Z.
pub fn parse_backup_time(text: &str) -> Result<i64> {
    let fail = || Error::Name {
        what: "backup time",
        text: text.to_owned(),
        rule: "must be a UTC time like 2024-05-01T12:00:00Z",
    };
    let time = parse_fields(text.as_bytes()).ok_or_else(fail)?;
    // Printing again is the cheapest way to refuse the 31st of April.
    match format_backup_time(time) {
        Ok(printed) if printed == text => Ok(time),
        _ => Err(fail()),
    }
}

fn parse_fields(text: &[u8]) -> Option<i64> {
    const SHAPE: &[u8; 20] = b"0000-00-00T00:00:00Z";
    if text.len() != SHAPE.len() {
        return None;
    }
    let fits = |(byte, shape): (&u8, &u8)| match shape {
        b'0' => byte.is_ascii_digit(),
        _ => byte == shape,
    };
    if !text.iter().zip(SHAPE).all(fits) {
        return None;
    }
    let number = |from: usize, to: usize| {
        text[from..to]
            .iter()
            .fold(0, |value, digit| value * 10 + i64::from(digit - b'0'))
    };
    let (hour, minute, second) = (number(11, 13), number(14, 16), number(17, 19));
    let (month, day) = (number(5, 7), number(8, 10));
    if hour > 23 || minute > 59 || second > 59 || !(1..=12).contains(&month) || day > 31 {
        return None;
    }
    let days = days_from_date(number(0, 4), month, day);
    Some(days * SECONDS_PER_DAY + hour * 3600 + minute * 60 + second)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn known_times() {
        for (text, time) in [
            ("1970-01-01T00:00:01Z", 1),
            ("2000-02-29T23:59:59Z", 951_868_799),
            ("2020-06-26T13:56:05Z", 1_593_179_765),
            ("2024-05-01T12:00:00Z", 1_714_564_800),
            ("9999-12-31T23:59:59Z", MAX_TIME),
        ] {
            assert_eq!(parse_backup_time(text).unwrap(), time, "{text}");
            assert_eq!(format_backup_time(time).unwrap(), text);
        }
    }

    #[test]
    fn refuses_what_is_not_a_time() {
        for bad in [
            "",
            "1970-01-01T00:00:00Z",
            "1969-12-31T23:59:59Z",
            "2023-02-29T00:00:00Z",
            "2024-04-31T00:00:00Z",
            "2024-13-01T00:00:00Z",
            "2024-00-01T00:00:00Z",
            "2024-01-00T00:00:00Z",
            "2024-01-01T24:00:00Z",
            "2024-01-01T00:60:00Z",
            "2024-01-01T00:00:60Z",
            "2024-01-01 00:00:00Z",
            "2024-01-01T00:00:00+",
            "+024-01-01T00:00:00Z",
            "2024-01-01T00:00:00Z ",
        ] {
            assert!(parse_backup_time(bad).is_err(), "{bad}");
        }
        for bad in [i64::MIN, -1, 0, MAX_TIME + 1, i64::MAX] {
            assert!(format_backup_time(bad).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn round_trip(time in 1..=MAX_TIME) {
            prop_assert_eq!(parse_backup_time(&format_backup_time(time).unwrap()).unwrap(), time);
        }
    }
}
