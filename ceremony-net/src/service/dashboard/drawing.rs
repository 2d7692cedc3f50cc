//! Drawings of the dashboard: where each line, box and bar goes. The page writes them as SVG, with
//! the same facts in words beside them.

/// Units of a drawing's width: as wide as a telephone, so that its letters stay readable on one.
pub(super) const WIDTH: u32 = 400;
/// A party's box.
pub(super) const BOX: (u32, u32) = (124, 38);
const GAP: u32 = 10;
/// Sizes of the letters in it, as the style sheet has them, and what stays free beside them.
const NAME_SIZE: u32 = 12;
const NOTE_SIZE: u32 = 10;
const PADDING: u32 = 8;
/// The shortest part of a row of moments, in seconds.
const SHORTEST_PART: u64 = 15;
/// Parties on each side at most.
pub(super) const SIDE: usize = 9;

/// A party in the drawing of who is connected with whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Node {
    pub(crate) name: String,
    pub(crate) note: String,
    /// What it is to the eye: "turn", "done", "waits", "bad", or "" for one that has done nothing.
    pub(crate) state: &'static str,
    pub(crate) x: u32,
    pub(crate) y: u32,
    /// The line between it and the service.
    pub(crate) path: String,
}

/// The service in the middle, participants to its left, auditors and mirrors to its right.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Topology {
    pub(crate) height: u32,
    pub(crate) nodes: Vec<Node>,
}

impl Topology {
    /// Of parties with name, note and state. Who finds no place is in the table.
    pub(crate) fn new(
        left: &[(String, String, &'static str)],
        right: &[(String, String, &'static str)],
    ) -> Self {
        let rows = left.len().max(right.len()).clamp(2, SIDE) as u32;
        let height = rows * (BOX.1 + GAP) + GAP;
        let middle = height / 2;
        let mut nodes = Vec::new();
        for (side, is_left) in [(left, true), (right, false)] {
            let side = &side[..side.len().min(SIDE)];
            let used = side.len() as u32 * (BOX.1 + GAP) - if side.is_empty() { 0 } else { GAP };
            for (i, (name, note, state)) in (0u32..).zip(side) {
                let y = (height - used) / 2 + i * (BOX.1 + GAP);
                let x = if is_left { 2 } else { WIDTH - BOX.0 - 2 };
                let (from, to) =
                    if is_left { (x + BOX.0, WIDTH / 2 - 34) } else { (x, WIDTH / 2 + 34) };
                let (bend, center) = (u32::midpoint(from, to), y + BOX.1 / 2);
                nodes.push(Node {
                    name: short(name, NAME_SIZE, BOX.0 - PADDING),
                    note: short(note, NOTE_SIZE, BOX.0 - PADDING),
                    state,
                    x,
                    y,
                    path: format!(
                        "M{from} {center} C{bend} {center} {bend} {middle} {to} {middle}"
                    ),
                });
            }
        }
        Self { height, nodes }
    }
}

/// How wide a letter is at most in fonts of browsers, in hundredths of the font's size.
fn width(letter: char) -> u32 {
    match letter {
        'i' | 'j' | 'l' | 'f' | 't' | 'r' | 'I' | ' ' | '.' | ',' | '\'' | ':' => 45,
        'a'..='z' if !matches!(letter, 'm' | 'w') => 64,
        '0'..='9' | '-' | '_' => 64,
        'A'..='Z' if !matches!(letter, 'M' | 'W') => 82,
        ' '..='~' => 105,
        // Letters with accents, Greek and Cyrillic.
        '\u{a0}'..='\u{10ff}' => 95,
        // Full width, such as Chinese, and signs that may be drawn as wide.
        _ => 200,
    }
}

/// The beginning of a text, as much of it as there is room for at this size of its font.
pub(super) fn short(text: &str, size: u32, room: u32) -> String {
    let room = room * 100;
    let wide = |text: &mut dyn Iterator<Item = char>| text.map(|it| width(it) * size).sum::<u32>();
    if text.chars().count() <= 100 && wide(&mut text.chars()) <= room {
        return text.into();
    }
    let (mut used, mut shown) = (width('m') * size, String::new());
    for letter in text.chars() {
        used += width(letter) * size;
        if used > room {
            break;
        }
        shown.push(letter);
    }
    shown + "…"
}

/// A bar of a row of numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bar {
    pub(crate) x: u32,
    pub(crate) y: u32,
    pub(crate) width: u32,
    pub(crate) height: u32,
}

/// A row of numbers, drawn small, and in words.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Sparkline {
    pub(crate) bars: Vec<Bar>,
    pub(crate) values: Vec<String>,
    /// The smallest, the middle one, the largest and the last.
    pub(crate) words: String,
}

/// Units of a sparkline's width and height.
pub(super) const SPARK: (u32, u32) = (240, 44);

impl Sparkline {
    /// Of numbers, with the words for one of them.
    pub(crate) fn new(numbers: &[f64], shown: impl Fn(f64) -> String) -> Self {
        let Some(last) = numbers.last() else { return Self::default() };
        let mut sorted = numbers.to_vec();
        sorted.sort_by(f64::total_cmp);
        let (least, most) = (sorted[0], sorted[sorted.len() - 1]);
        let middle = sorted[sorted.len() / 2];
        let count = u32::try_from(numbers.len()).unwrap_or(u32::MAX).max(1);
        let width = (SPARK.0 / count).clamp(1, 24);
        let bars = (0u32..).zip(numbers).map(|(i, number)| {
            let part = if most > 0.0 { (number / most).clamp(0.0, 1.0) } else { 0.0 };
            // Also what is nothing is a bar that can be seen.
            let height = ((f64::from(SPARK.1) * part).round() as u32).clamp(2, SPARK.1);
            let bar = width.saturating_sub(2).max(1);
            Bar { x: i * width, y: SPARK.1 - height, width: bar, height }
        });
        let words = format!(
            "least {}, middle {}, most {}, last {}",
            shown(least),
            shown(middle),
            shown(most),
            shown(*last)
        );
        Self { bars: bars.collect(), values: numbers.iter().map(|it| shown(*it)).collect(), words }
    }
}

/// How many moments fall into each of `count` equal parts of time, from the first one on, and the
/// seconds of a part. Parts begin at whole multiples of their length, which doubles when they do
/// not reach `now`: between two doublings, nothing changes but by what happens.
pub(super) fn parts(
    moments: impl Iterator<Item = u64> + Clone,
    now: u64,
    count: usize,
) -> (Vec<f64>, u64) {
    let Some(first) = moments.clone().min() else { return (Vec::new(), 0) };
    let end = |each: u64| (first / each * each).saturating_add(each.saturating_mul(count as u64));
    let reaches = |each: u64| now < end(each);
    let mut each = SHORTEST_PART;
    while !reaches(each) && each < u64::MAX >> 16 {
        each *= 2;
    }
    let first = first / each * each;
    let mut parts = vec![0.0; count];
    for moment in moments {
        let part = usize::try_from(moment.saturating_sub(first) / each).unwrap_or(usize::MAX);
        // A clock that was set back.
        parts[part.min(count - 1)] += 1.0;
    }
    (parts, each)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_box_and_bar_is_inside_its_drawing() {
        for (left, right) in [(0, 0), (1, 0), (0, 3), (9, 2), (500, 64)] {
            let side = |n: usize| vec![("name".repeat(30), "note".repeat(30), "done"); n];
            let drawn = Topology::new(&side(left), &side(right));
            assert_eq!(drawn.nodes.len(), left.min(SIDE) + right.min(SIDE));
            for node in &drawn.nodes {
                assert!(node.x + BOX.0 <= WIDTH && node.y + BOX.1 <= drawn.height, "{node:?}");
            }
        }
        for numbers in [vec![0.0], vec![1.0, 0.0, 3.0], (0..40).map(f64::from).collect()] {
            let spark = Sparkline::new(&numbers, |it| format!("{it}"));
            assert_eq!(spark.bars.len(), numbers.len());
            for bar in &spark.bars {
                assert!(bar.x + bar.width <= SPARK.0 && bar.y + bar.height <= SPARK.1, "{bar:?}");
            }
        }
        assert_eq!(Sparkline::new(&[], |_| String::new()), Sparkline::default());
    }

    #[test]
    fn a_text_is_as_long_as_its_box_has_room_for() {
        assert_eq!(short("alice", 12, 116), "alice");
        assert_eq!(short("Coordinator", 12, 116), "Coordinator");
        for long in ["W".repeat(30), "漢".repeat(30), "i".repeat(90), "é".repeat(5000)] {
            let shown = short(&long, 12, 116);
            let width: u32 = shown.chars().map(|it| width(it).min(200) * 12).sum();
            assert!(shown.ends_with('…') && shown.chars().count() > 3, "{shown}");
            // The last sign counts as wide, and is not.
            assert!(width <= 11_600 + 200 * 12, "{shown}: {width}");
        }
        // A wide name has fewer letters than a narrow one.
        let count = |letter: &str| short(&letter.repeat(50), 12, 116).chars().count();
        assert!(count("漢") < count("W") && count("W") < count("i"));
    }

    #[test]
    fn every_moment_is_in_one_part_and_parts_stay_where_they_are() {
        let moments = [100, 100, 150, 199, 90];
        let (found, each) = parts(moments.iter().copied(), 200, 10);
        assert_eq!(found.iter().sum::<f64>(), 5.0);
        // From 90 to 105.
        assert_eq!((found[0], each), (3.0, 15));
        // Time goes on, and the drawing is the same until its parts do not reach any more.
        for now in 200..240 {
            assert_eq!(parts(moments.iter().copied(), now, 10), (found.clone(), each), "{now}");
        }
        assert_eq!(parts(moments.iter().copied(), 240, 10).1, 30);
        let later = parts(moments.iter().copied(), 1 << 40, 10);
        assert_eq!(later.0.iter().sum::<f64>(), 5.0);
        // All of them later than now, by a clock that was set back.
        assert_eq!(parts([100, 300].into_iter(), 50, 4).0, [1.0, 0.0, 0.0, 1.0]);
        assert_eq!(parts([u64::MAX].into_iter(), 0, 4).0.iter().sum::<f64>(), 1.0);
    }
}
