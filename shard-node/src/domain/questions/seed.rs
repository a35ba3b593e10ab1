//! Where chance comes from: an HMAC of whose paper it is, under the institution's key.
//!
//! What must stay true: the same paper is drawn from the same seed by every build, for as long as the paper counts. So
//! the generator is nobody's release: block `n` of a stream is HMAC-SHA256(HMAC-SHA256(seed, label), `n` in 8 bytes), read
//! as four big-endian numbers of 64 bits; a number below a bound is drawn by rejection; a shuffle is Fisher and Yates'
//! from the end. Vectors in the tests hold it.

use std::fmt;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use uuid::Uuid;

/// What a paper is drawn from. Who has it can draw the paper and its key, so it is printed nowhere.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Seed([u8; 32]);

impl fmt::Debug for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seed")
    }
}

/// The seed of a student's attempt at an assessment, whose materials are of a revision.
pub fn seed(
    institution_key: &[u8],
    assessment: Uuid,
    student: Uuid,
    attempt: u32,
    revision: u32,
) -> Seed {
    let mut message = b"lxp.draw.1".to_vec();
    message.extend(assessment.as_bytes());
    message.extend(student.as_bytes());
    message.extend(attempt.to_be_bytes());
    message.extend(revision.to_be_bytes());
    Seed(mac(institution_key, &message))
}

impl Seed {
    /// A seed of no student's: for proofs and previews.
    pub fn sample(number: u32) -> Self {
        Self(mac(b"lxp.sample.1", &number.to_be_bytes()))
    }
}

fn mac(key: &[u8], message: &[u8]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes any key");
    mac.update(message);
    mac.finalize().into_bytes().into()
}

/// A stream of numbers; streams of other labels say nothing about it.
pub(super) struct Generator {
    key: [u8; 32],
    block: u64,
    numbers: [u64; 4],
    used: usize,
}

impl Generator {
    pub(super) fn new(seed: Seed, label: &[u8]) -> Self {
        Self { key: mac(&seed.0, label), block: 0, numbers: [0; 4], used: 4 }
    }

    /// For something of one question.
    pub(super) fn of_question(seed: Seed, label: &[u8], question: Uuid) -> Self {
        Self::new(seed, &[label, question.as_bytes()].concat())
    }

    fn next(&mut self) -> u64 {
        if self.used == self.numbers.len() {
            let bytes = mac(&self.key, &self.block.to_be_bytes());
            for (number, bytes) in self.numbers.iter_mut().zip(bytes.as_chunks::<8>().0) {
                *number = u64::from_be_bytes(*bytes);
            }
            (self.block, self.used) = (self.block + 1, 0);
        }
        self.used += 1;
        self.numbers[self.used - 1]
    }

    /// A number below a bound, each as likely as the others; 0 below 0.
    pub(super) fn below(&mut self, bound: u64) -> u64 {
        if bound <= 1 {
            return 0;
        }
        // What is left when as many whole bounds as fit are taken from the front of all numbers.
        let excess = (u64::MAX % bound + 1) % bound;
        loop {
            let number = self.next();
            if number <= u64::MAX - excess {
                return number % bound;
            }
        }
    }

    /// Brings things into an order by chance.
    pub(super) fn shuffle<T>(&mut self, things: &mut [T]) {
        for last in (1..things.len()).rev() {
            let bound = u64::try_from(last + 1).unwrap_or(u64::MAX);
            things.swap(last, usize::try_from(self.below(bound)).unwrap_or(last));
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(attempt: u32) -> Seed {
        seed(&[7; 32], Uuid::from_u128(1), Uuid::from_u128(2), attempt, 3)
    }

    #[test]
    fn each_attempt_has_a_seed_of_its_own() {
        assert_eq!(of(1), of(1));
        assert_ne!(of(1), of(2));
        assert_ne!(of(1), seed(&[8; 32], Uuid::from_u128(1), Uuid::from_u128(2), 1, 3));
        assert_ne!(of(1), seed(&[7; 32], Uuid::from_u128(2), Uuid::from_u128(1), 1, 3));
        assert_eq!(format!("{:?}", of(1)), "Seed");
    }

    proptest! {
        #[test]
        fn numbers_stay_below_their_bound_and_a_shuffle_keeps_its_things(sample: u32, bound in 1_u64.., count in 0_usize..50) {
            let mut generator = Generator::new(Seed::sample(sample), b"test");
            for _ in 0..20 {
                prop_assert!(generator.below(bound) < bound);
            }
            let mut things: Vec<usize> = (0..count).collect();
            generator.shuffle(&mut things);
            things.sort_unstable();
            prop_assert_eq!(things, (0..count).collect::<Vec<_>>());
        }
    }

    #[test]
    fn every_order_is_about_as_likely() {
        let mut counts = std::collections::BTreeMap::new();
        for sample in 0..6_000 {
            let mut things = [0, 1, 2];
            Generator::new(Seed::sample(sample), b"test").shuffle(&mut things);
            *counts.entry(things).or_insert(0) += 1;
        }
        assert_eq!(counts.len(), 6);
        assert!(counts.values().all(|count| (850..1_150).contains(count)), "{counts:?}");
    }
}
