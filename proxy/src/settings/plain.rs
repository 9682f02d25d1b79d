//! The plaintext listener's setting: an address of this machine, or none.

use serde::Deserialize;
use std::{net::SocketAddr, str::FromStr};

/// Where plain HTTP is served.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum Plain {
    /// Nowhere.
    Off,
    /// On one loopback address.
    On(SocketAddr),
}

impl FromStr for Plain {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "off" {
            return Ok(Self::Off);
        }
        let address: SocketAddr =
            text.parse().map_err(|_| "write an address such as 127.0.0.1:8000, or off".to_owned())?;
        if !address.ip().is_loopback() {
            return Err(format!(
                "plain HTTP is for this machine alone, and {} is reachable from others; write 127.0.0.1:{} or off",
                address.ip(),
                address.port()
            ));
        }
        Ok(Self::On(address))
    }
}

impl TryFrom<String> for Plain {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_addresses_are_taken() {
        assert_eq!("off".parse(), Ok(Plain::Off));
        assert_eq!("[::1]:0".parse(), Ok(Plain::On("[::1]:0".parse().unwrap())));
        assert!("0.0.0.0:8000".parse::<Plain>().unwrap_err().contains("write 127.0.0.1:8000 or off"));
        assert!("8000".parse::<Plain>().unwrap_err().contains("127.0.0.1:8000"));
    }
}
