//! The plaintext listener's setting: an address of this machine, or none.

use serde::Deserialize;
use std::{net::SocketAddr, str::FromStr};

/// Where plain HTTP is served.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Written")]
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

/// As it may stand in a YAML file, where a bare `off` is a boolean.
#[derive(Deserialize)]
#[serde(untagged)]
enum Written {
    Flag(bool),
    Text(String),
}

impl TryFrom<Written> for Plain {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        match written {
            Written::Flag(false) => Ok(Self::Off),
            Written::Flag(true) => Err("write an address such as 127.0.0.1:8000, or off".to_owned()),
            Written::Text(text) => text.parse(),
        }
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
