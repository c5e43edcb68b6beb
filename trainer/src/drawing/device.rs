//! Which device computes, found out at run time: one program serves machines with and without CUDA.

use std::{fmt, str::FromStr};

#[cfg(feature = "torch")]
use crate::torch::shim::{self, CudaHalf};

/// What the user asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeviceChoice {
    /// CUDA when this libtorch and this machine have it, else the CPU.
    Auto,
    /// The CPU: maps are drawn by the project's own inference, networks are trained by libtorch.
    Cpu,
    /// The CPU, through libtorch.
    TorchCpu,
    /// The CUDA device of this number.
    Cuda(usize),
}

/// Why a device cannot be had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DeviceError {
    /// Not a device's name.
    #[error("unknown device {0:?}: use auto, cpu, torch-cpu, cuda or cuda:N")]
    Unknown(String),
    /// There is no libtorch in this program.
    #[error(
        "this trainer was built without libtorch, which {0} needs: use --device cpu, or build it without --no-default-features"
    )]
    NoTorch(DeviceChoice),
    /// libtorch has no CUDA half.
    #[error(
        "the libtorch in use has no CUDA: point LD_LIBRARY_PATH at the lib folder of a torch 2.11 with CUDA, or use \
         --device cpu"
    )]
    NoCuda,
    /// The machine has no NVIDIA driver.
    #[error("NVIDIA's driver (libcuda.so.1) is not on this machine: install it, or use --device cpu")]
    NoDriver,
    /// The machine has fewer devices.
    #[error("there is no CUDA device {wanted}: this machine has {found}; use --device auto or cpu")]
    NoSuchDevice {
        /// Number asked for.
        wanted: usize,
        /// Devices there are.
        found: i64,
    },
}

impl FromStr for DeviceChoice {
    type Err = DeviceError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "auto" => Ok(Self::Auto),
            "cpu" => Ok(Self::Cpu),
            "torch-cpu" => Ok(Self::TorchCpu),
            "cuda" => Ok(Self::Cuda(0)),
            other => other
                .strip_prefix("cuda:")
                .and_then(|number| number.parse().ok())
                .map(Self::Cuda)
                .ok_or_else(|| DeviceError::Unknown(other.to_owned())),
        }
    }
}

impl fmt::Display for DeviceChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Cpu => f.write_str("cpu"),
            Self::TorchCpu => f.write_str("torch-cpu"),
            Self::Cuda(number) => write!(f, "cuda:{number}"),
        }
    }
}

/// What libtorch makes of a choice.
#[cfg(feature = "torch")]
impl DeviceChoice {
    /// What the choice means for one of several processes on a machine, of which each has a CUDA device of its own.
    #[must_use]
    pub fn of_process(self, local_rank: usize) -> Self {
        match self {
            Self::Auto if local_rank > 0 => {
                if shim::load_cuda() == CudaHalf::Loaded && tch::Cuda::is_available() {
                    Self::Cuda(local_rank)
                } else {
                    Self::Cpu
                }
            }
            Self::Cuda(0) => Self::Cuda(local_rank),
            other => other,
        }
    }

    /// libtorch's device.
    ///
    /// # Errors
    /// When CUDA is asked for and not there.
    pub fn open(self) -> Result<tch::Device, DeviceError> {
        match self {
            Self::Cpu | Self::TorchCpu => Ok(tch::Device::Cpu),
            Self::Auto => {
                let cuda = shim::load_cuda() == CudaHalf::Loaded && tch::Cuda::is_available();
                Ok(if cuda { tch::Device::Cuda(0) } else { tch::Device::Cpu })
            }
            Self::Cuda(wanted) => {
                match shim::load_cuda() {
                    CudaHalf::Loaded => {}
                    CudaHalf::NoDriver => return Err(DeviceError::NoDriver),
                    CudaHalf::Absent => return Err(DeviceError::NoCuda),
                }
                let found = tch::Cuda::device_count();
                if wanted as i64 >= found {
                    return Err(DeviceError::NoSuchDevice { wanted, found });
                }
                Ok(tch::Device::Cuda(wanted))
            }
        }
    }
}

/// libtorch's device in words, as logs and manifests state it.
#[cfg(feature = "torch")]
pub fn describe(device: tch::Device) -> String {
    match device {
        tch::Device::Cuda(number) => format!("CUDA device {number}"),
        tch::Device::Cpu => format!("CPU, {} threads", tch::get_num_threads()),
        other => format!("{other:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        assert_eq!("auto".parse(), Ok(DeviceChoice::Auto));
        assert_eq!("cuda".parse(), Ok(DeviceChoice::Cuda(0)));
        assert_eq!("cuda:3".parse(), Ok(DeviceChoice::Cuda(3)));
        for choice in [DeviceChoice::Cpu, DeviceChoice::TorchCpu, DeviceChoice::Cuda(1)] {
            assert_eq!(choice.to_string().parse(), Ok(choice));
        }
        for bad in ["", "gpu", "cuda:", "cuda:-1", "cuda:x"] {
            assert!(bad.parse::<DeviceChoice>().is_err(), "{bad}");
        }
    }

    #[cfg(feature = "torch")]
    #[test]
    fn a_device_that_is_not_there_is_refused() {
        assert!(DeviceChoice::Cuda(4096).open().is_err());
        assert_eq!(DeviceChoice::Cpu.open(), Ok(tch::Device::Cpu));
    }
}
