//! What many samples say. Start times are skewed: no mean stands alone. All in whole numbers.

/// What is said of samples.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub(super) struct Summary {
    pub(super) min: u64,
    pub(super) median: u64,
    pub(super) p90: u64,
    pub(super) p99: u64,
    pub(super) max: u64,
}

impl Summary {
    pub(super) fn all(&self) -> [u64; 5] {
        [self.min, self.median, self.p90, self.p99, self.max]
    }
}

/// Of samples in any order, which stay in it; `scratch` has room for as many.
#[inline(never)]
pub(super) fn summary(samples: &[u64], scratch: &mut [u64]) -> Summary {
    let sorted = sorted(&mut samples.iter().copied(), scratch);
    Summary {
        min: sorted.first().copied().unwrap_or(0),
        median: median(sorted),
        p90: rank(sorted, 90),
        p99: rank(sorted, 99),
        max: sorted.last().copied().unwrap_or(0),
    }
}

/// How many thousandths of `theirs` ours are: the median over all pairs.
#[inline(never)]
pub(super) fn ratio(ours: &[u64], theirs: &[u64], scratch: &mut [u64]) -> u64 {
    let mut ratios = ours.iter().zip(theirs).map(|(ours, theirs)| ours.saturating_mul(1000) / (*theirs).max(1));
    median(sorted(&mut ratios, scratch))
}

/// How much more ours are than `theirs`: the median over all pairs.
#[inline(never)]
pub(super) fn difference(ours: &[u64], theirs: &[u64], scratch: &mut [u64]) -> i64 {
    const ZERO: u64 = 1 << 62; // sorted as unsigned numbers
    let mut shifted = ours.iter().zip(theirs).map(|(ours, theirs)| (ZERO + ours).saturating_sub(*theirs));
    median(sorted(&mut shifted, scratch)).cast_signed() - ZERO.cast_signed()
}

/// Why not to believe samples, in the order in which they were taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Noise {
    /// One in ten took this many thousandths of the median, or more.
    Scattered(u64),
    /// Every other one taken by itself, the two medians differ by this many thousandths.
    Unsteady(u64),
}

/// Whether the samples are too noisy to believe their median.
#[inline(never)]
pub(super) fn noise(samples: &[u64], scratch: &mut [u64]) -> Option<Noise> {
    let [even, odd] =
        [0, 1].map(|from| median(sorted(&mut samples.chunks(2).filter_map(|pair| pair.get(from)).copied(), scratch)));
    let apart = even.abs_diff(odd).saturating_mul(1000) / even.min(odd).max(1);
    let whole = summary(samples, scratch);
    let tail = whole.p90.saturating_mul(1000) / whole.median.max(1);
    if samples.len() > 1 && apart > 50 {
        Some(Noise::Unsteady(apart))
    } else {
        (tail > 1500).then_some(Noise::Scattered(tail))
    }
}

#[inline(never)]
pub(super) fn mean(samples: &[u64]) -> u64 {
    samples.iter().fold(0_u64, |sum, sample| sum.saturating_add(*sample)) / (samples.len() as u64).max(1)
}

/// The standard deviation, as of a sample of a larger whole.
#[inline(never)]
pub(super) fn deviation(samples: &[u64]) -> u64 {
    let (mean, others) = (mean(samples), (samples.len() as u64).saturating_sub(1).max(1));
    // Divided one by one: the sum of squares would not fit.
    let square = |sample: &u64| sample.abs_diff(mean).saturating_mul(sample.abs_diff(mean)) / others;
    root(samples.iter().map(square).fold(0, u64::saturating_add))
}

/// How many samples fall into each of the buckets, which part the range from `low` to `high`; what is
/// outside counts for the first or the last.
#[inline(never)]
pub(super) fn histogram(samples: &[u64], low: u64, high: u64, buckets: &mut [u32]) {
    let count = buckets.len() as u64;
    for sample in samples {
        let place = sample.saturating_sub(low).saturating_mul(count) / (high.saturating_sub(low) + 1);
        let place = usize::try_from(place.min(count.saturating_sub(1))).unwrap_or(0);
        if let Some(bucket) = buckets.get_mut(place) {
            *bucket += 1;
        }
    }
}

/// The square root, rounded down.
fn root(square: u64) -> u64 {
    let mut root = 0;
    for bit in (0..32).rev() {
        let tried = root | 1 << bit;
        if tried * tried <= square {
            root = tried;
        }
    }
    root
}

/// The middle, or half-way between the two in the middle.
fn median(sorted: &[u64]) -> u64 {
    let at = |index: usize| sorted.get(index).copied().unwrap_or(0);
    let (low, high) = (at(sorted.len().saturating_sub(1) / 2), at(sorted.len() / 2));
    low + (high - low) / 2
}

/// The smallest sample that so many in a hundred do not exceed.
fn rank(sorted: &[u64], percent: usize) -> u64 {
    let place = (sorted.len() * percent).div_ceil(100).saturating_sub(1);
    sorted.get(place).copied().unwrap_or(0)
}

/// A sorted copy, by Shell's sort: core's takes several KB.
#[inline(never)]
fn sorted<'a>(samples: &mut dyn Iterator<Item = u64>, scratch: &'a mut [u64]) -> &'a [u64] {
    let mut count = 0;
    for (sample, place) in samples.zip(scratch.iter_mut()) {
        *place = sample;
        count += 1;
    }
    let values = scratch.get_mut(..count).unwrap_or_default();
    shell_sort(values);
    values
}

fn shell_sort(values: &mut [u64]) {
    let mut gap = values.len() / 2;
    while gap > 0 {
        for start in gap..values.len() {
            let mut place = start;
            while place >= gap && values.get(place - gap) > values.get(place) {
                values.swap(place - gap, place);
                place -= gap;
            }
        }
        // Not halves: even and odd places would meet only at the very end.
        gap = if gap == 2 { 1 } else { gap * 5 / 11 };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(samples: &[u64]) -> Summary {
        summary(samples, &mut vec![0; samples.len()])
    }

    #[test]
    fn a_summary_does_not_depend_on_the_order() {
        let hundred: Vec<u64> = (1..=100).collect();
        let mixed: Vec<u64> = (0..100).map(|index| index * 37 % 100 + 1).collect();
        let expected = Summary { min: 1, median: 50, p90: 90, p99: 99, max: 100 };
        assert_eq!(of(&hundred), expected);
        assert_eq!(of(&mixed), expected);
    }

    #[test]
    fn few_samples_and_none_have_a_summary() {
        assert_eq!(of(&[]), Summary::default());
        assert_eq!(of(&[7]), Summary { min: 7, median: 7, p90: 7, p99: 7, max: 7 });
        assert_eq!(of(&[9, 1]), Summary { min: 1, median: 5, p90: 9, p99: 9, max: 9 });
        assert_eq!(of(&[3, u64::MAX, 1]).max, u64::MAX);
    }

    #[test]
    fn sorting_sorts() {
        for count in 0..200_u64 {
            let mut values: Vec<u64> =
                (0..count).map(|index| index.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 50).collect();
            let mut expected = values.clone();
            expected.sort_unstable();
            shell_sort(&mut values);
            assert_eq!(values, expected);
        }
    }

    #[test]
    fn ratios_and_differences_are_taken_pair_by_pair() {
        // The machine got slower in the middle: pair by pair, ours takes half as long again all the same.
        let (ours, theirs) = ([150, 150, 1500, 1500, 1500], [100, 100, 1000, 1000, 1000]);
        let mut scratch = [0; 5];
        assert_eq!(ratio(&ours, &theirs, &mut scratch), 1500);
        assert_eq!(difference(&ours, &theirs, &mut scratch), 500);
        assert_eq!(difference(&theirs, &ours, &mut scratch), -500);
        assert_eq!(ratio(&[1], &[0], &mut scratch), 1000);
    }

    #[test]
    fn mean_and_deviation_are_those_of_school() {
        let samples = [2, 4, 4, 4, 5, 5, 7, 9];
        assert_eq!(mean(&samples), 5);
        let micros: Vec<u64> = samples.iter().map(|sample| sample * 1_000_000).collect();
        assert_eq!(deviation(&micros), 2_138_089); // the square root of 32/7
        assert_eq!((mean(&[]), deviation(&[]), deviation(&[5])), (0, 0, 0));
        for number in [0, 1, 2, 3, 4, 99, 1 << 40, u64::MAX] {
            assert_eq!(root(number), number.isqrt());
        }
    }

    #[test]
    fn noise_is_a_long_tail_or_two_halves_that_differ() {
        let mut scratch = [0; 100];
        assert_eq!(noise(&[100; 100], &mut scratch), None);
        let tailed: Vec<u64> = (0..100).map(|index| if index % 8 < 2 { 400 } else { 100 }).collect();
        assert_eq!(noise(&tailed, &mut scratch), Some(Noise::Scattered(4000)));
        let alternating: Vec<u64> = (0..100).map(|index| 100 + index % 2 * 10).collect();
        assert_eq!(noise(&alternating, &mut scratch), Some(Noise::Unsteady(100)));
        assert_eq!(noise(&[5], &mut scratch), None);
    }

    #[test]
    fn a_histogram_counts_every_sample() {
        let mut buckets = [0; 4];
        histogram(&[0, 10, 11, 19, 20, 39, 40, 1000], 10, 49, &mut buckets);
        assert_eq!(buckets, [4, 1, 1, 2]);
        let mut one = [0; 3];
        histogram(&[5, 5], 5, 5, &mut one);
        assert_eq!(one, [2, 0, 0]);
    }
}
