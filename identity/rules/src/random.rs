//! Where random bytes come from. Passed in, so that a test can repeat a run byte for byte.

use std::sync::atomic::{AtomicU64, Ordering};

use aws_lc_rs::digest;
use zeroize::Zeroizing;

/// The system could not supply random bytes; nothing that needs a secret can be made now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the system's source of random bytes failed")]
pub struct NoRandomness;

/// A source of bytes that nobody can predict.
pub trait Random: Send + Sync {
    /// Fills `bytes` whole, or fails.
    fn fill(&self, bytes: &mut [u8]) -> Result<(), NoRandomness>;
}

/// `N` fresh bytes, wiped when dropped.
pub fn bytes<const N: usize>(random: &dyn Random) -> Result<Zeroizing<[u8; N]>, NoRandomness> {
    let mut bytes = Zeroizing::new([0; N]);
    random.fill(bytes.as_mut_slice())?;
    Ok(bytes)
}

/// The operating system's generator, through aws-lc.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemRandom;

impl Random for SystemRandom {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), NoRandomness> {
        aws_lc_rs::rand::fill(bytes).map_err(|_| NoRandomness)
    }
}

/// The same bytes for the same seed, for tests and simulations alone.
#[derive(Debug, Default)]
pub struct SeededRandom {
    seed: u64,
    block: AtomicU64,
}

impl SeededRandom {
    /// A source that repeats itself for an equal `seed`.
    pub fn new(seed: u64) -> Self {
        Self { seed, block: AtomicU64::new(0) }
    }
}

impl Random for SeededRandom {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), NoRandomness> {
        for chunk in bytes.chunks_mut(digest::SHA256_OUTPUT_LEN) {
            let block = self.block.fetch_add(1, Ordering::Relaxed);
            let input = [self.seed.to_be_bytes(), block.to_be_bytes()].concat();
            chunk.copy_from_slice(&digest::digest(&digest::SHA256, &input).as_ref()[..chunk.len()]);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_repeats_its_bytes_and_another_seed_does_not() {
        let run = |seed| {
            let random = SeededRandom::new(seed);
            [*bytes::<40>(&random).unwrap(), *bytes::<40>(&random).unwrap()]
        };
        assert_eq!(run(7), run(7));
        assert_ne!(run(7), run(8));
        assert_ne!(run(7)[0], run(7)[1]);
    }

    #[test]
    fn the_system_fills_every_byte() {
        // 64 draws leave a given byte zero by chance once in 2^512.
        let mut seen = [0_u8; 33];
        for _ in 0..64 {
            let drawn = bytes::<33>(&SystemRandom).unwrap();
            seen.iter_mut().zip(drawn.iter()).for_each(|(seen, byte)| *seen |= byte);
        }
        assert!(seen.iter().all(|byte| *byte != 0));
    }
}
