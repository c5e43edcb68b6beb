//! Processes that train together, on one machine or several: who this one is among them, and what they add up.
//!
//! The environment says so, as `torchrun`, Slurm's `srun` and Kubernetes' PyTorchJob set it: RANK, WORLD_SIZE, LOCAL_RANK,
//! MASTER_ADDR, MASTER_PORT. A process alone is a group of one, for which nothing is computed.

use std::rc::Rc;

use anyhow::{Context, Result, bail};
use tch::{Device, Kind, Tensor, no_grad};

use super::shim::{GroupHandle, Meeting};

/// The processes that train together; clones are the same group.
#[derive(Debug, Clone, Default)]
pub struct Group {
    /// `None` for a process alone.
    joined: Option<Rc<Joined>>,
}

/// Words of group.cpp where a sum through which gradients flow failed.
const FAILED_SUM: &str = "the sum over the group failed";

/// A process cannot be reached any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "another process of this training has ended: its own message says why. The last checkpoint is whole; start all of them again \
     with --resume"
)]
pub struct Lost;

#[derive(Debug)]
struct Joined {
    handle: GroupHandle,
    rank: usize,
    size: usize,
}

/// What the environment says of this process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Where all meet.
    meeting: Meeting,
    /// Number of this process on its machine.
    local_rank: usize,
    /// Processes on this machine.
    local_size: usize,
}

impl Place {
    /// Reads the environment; `None` for a process alone.
    ///
    /// # Errors
    /// Names the variable that is missing or no number.
    pub fn of_environment() -> Result<Option<Self>> {
        Self::of(|name| std::env::var(name).ok())
    }

    fn of(variable: impl Fn(&str) -> Option<String>) -> Result<Option<Self>> {
        let number = |names: &[&str]| -> Result<Option<usize>> {
            let found = names.iter().find_map(|name| Some((name, variable(name)?)));
            found
                .map(|(name, text)| text.parse().with_context(|| format!("{name} is {text:?}, and not a number")))
                .transpose()
        };
        let by_slurm = variable("WORLD_SIZE").is_none() && variable("MASTER_ADDR").is_some();
        let (size, rank) = if by_slurm {
            (number(&["SLURM_NTASKS"])?, number(&["SLURM_PROCID"])?)
        } else {
            (number(&["WORLD_SIZE"])?, number(&["RANK"])?)
        };
        let Some(size) = size.filter(|size| *size > 1) else { return Ok(None) };
        let missing = |name: &str| {
            format!("{size} processes are to train together, but {name} is not set: start them by torchrun or srun")
        };
        let rank = rank.with_context(|| missing("RANK"))?;
        if rank >= size {
            bail!("RANK is {rank}, but there are {size} processes, counted from 0");
        }
        let host = variable("MASTER_ADDR").with_context(|| missing("MASTER_ADDR"))?;
        let port = number(&["MASTER_PORT"])?.with_context(|| missing("MASTER_PORT"))?;
        let port = u16::try_from(port).with_context(|| format!("MASTER_PORT is {port}, and no port"))?;
        let local_rank = number(&["LOCAL_RANK", "SLURM_LOCALID"])?.unwrap_or(0);
        let local_size = number(&["LOCAL_WORLD_SIZE", "SLURM_NTASKS_PER_NODE"])?.unwrap_or(1).max(1);
        // torchrun keeps the store itself, and begins again in the same one.
        let agent = variable("TORCHELASTIC_USE_AGENT_STORE").is_some_and(|value| value == "True");
        let attempt = variable("TORCHELASTIC_RESTART_COUNT").unwrap_or_else(|| "0".into());
        let meeting =
            Meeting { host, port, serve: rank == 0 && !agent, prefix: format!("cosmogan/{attempt}"), rank, size };
        Ok(Some(Self { meeting, local_rank, local_size }))
    }

    /// Processes in all.
    pub fn size(&self) -> usize {
        self.meeting.size
    }

    /// Number of this process on its machine, by which each has its own GPU.
    pub fn local_rank(&self) -> usize {
        self.local_rank
    }

    /// Processes on this machine, which share its cores.
    pub fn local_size(&self) -> usize {
        self.local_size
    }

    /// Meets the others, to add up tensors of this device.
    ///
    /// # Errors
    /// When they cannot be met.
    pub fn meet(&self, device: Device) -> Result<Group> {
        let Meeting { host, port, rank, size, .. } = &self.meeting;
        let cuda = if let Device::Cuda(number) = device { Some(number) } else { None };
        let handle = GroupHandle::meet(&self.meeting, cuda)
            .with_context(|| format!("process {rank} of {size} cannot meet the others at {host}:{port}"))?;
        Ok(Group { joined: Some(Rc::new(Joined { handle, rank: *rank, size: *size })) })
    }
}

impl Group {
    /// This process's number, from 0 on; 0 writes the run's files.
    pub fn rank(&self) -> usize {
        self.joined.as_ref().map_or(0, |joined| joined.rank)
    }

    /// Number of processes.
    pub fn size(&self) -> usize {
        self.joined.as_ref().map_or(1, |joined| joined.size)
    }

    /// Whether this is the process that writes.
    pub fn leads(&self) -> bool {
        self.rank() == 0
    }

    /// The sum of a tensor over the group.
    ///
    /// # Errors
    /// When another process has ended.
    pub fn sum(&self, tensor: &Tensor) -> Result<Tensor> {
        let Some(joined) = &self.joined else { return Ok(tensor.shallow_clone()) };
        let own = no_grad(|| tensor.f_detach()?.f_contiguous())?;
        let mut sum = own.f_empty_like()?;
        sum.f_copy_(&own)?;
        joined.handle.sum(&mut sum).context(Lost)?;
        Ok(sum)
    }

    /// The mean of a tensor over the group.
    ///
    /// # Errors
    /// When another process has ended.
    pub fn mean(&self, tensor: &Tensor) -> Result<Tensor> {
        if self.joined.is_none() {
            return Ok(tensor.shallow_clone());
        }
        Ok(self.sum(tensor)?.f_div_scalar(self.size() as f64)?)
    }

    /// The means of tensors over the group, added up as one flat buffer.
    ///
    /// # Errors
    /// When another process has ended, or the device has no room.
    pub fn means(&self, tensors: Vec<Tensor>) -> Result<Vec<Tensor>> {
        if self.joined.is_none() {
            return Ok(tensors);
        }
        let flat: Vec<Tensor> = tensors.iter().map(|tensor| Ok(tensor.f_reshape([-1])?)).collect::<Result<_>>()?;
        let mean = self.mean(&Tensor::f_cat(&flat, 0)?)?;
        let mut first = 0;
        let piece = |tensor: &Tensor| -> Result<Tensor> {
            let count = tensor.numel() as i64;
            let piece = mean.f_narrow(0, first, count)?.f_view_as(tensor)?;
            first += count;
            Ok(piece)
        };
        tensors.iter().map(piece).collect()
    }

    /// The rows of all processes' tensors, in the order of their numbers; each has as many.
    ///
    /// # Errors
    /// When another process has ended.
    pub fn gather(&self, rows: &Tensor) -> Result<Tensor> {
        if self.joined.is_none() {
            return Ok(rows.shallow_clone());
        }
        let (rank, size) = (self.rank(), self.size());
        let zeros = rows.f_zeros_like()?;
        let all: Vec<&Tensor> = (0..size).map(|of| if of == rank { rows } else { &zeros }).collect();
        self.sum(&Tensor::f_cat(&all, 0)?)
    }

    /// The sum of a tensor over the group, through which gradients flow.
    ///
    /// # Errors
    /// When another process has ended.
    pub fn sum_with_gradient(&self, tensor: &Tensor) -> Result<Tensor> {
        match &self.joined {
            Some(joined) => joined.handle.sum_with_gradient(tensor).context(Lost),
            None => Ok(tensor.shallow_clone()),
        }
    }

    /// Says of a sum that failed within a backward pass what it means; other errors stay what they are.
    pub fn explain(error: anyhow::Error) -> anyhow::Error {
        let failed = format!("{error:#}").contains(FAILED_SUM);
        if failed && !error.is::<Lost>() { error.context(Lost) } else { error }
    }

    /// A number of the leading process, in all of them.
    ///
    /// # Errors
    /// When another process has ended.
    pub fn of_the_leading(&self, number: f64, device: Device) -> Result<f64> {
        if self.joined.is_none() {
            return Ok(number);
        }
        let own = if self.leads() { number } else { 0.0 };
        let sum = self.sum(&Tensor::f_from_slice(&[own])?.f_to_kind(Kind::Double)?.f_to_device(device)?)?;
        Ok(f64::try_from(sum)?)
    }

    /// Waits for all the others.
    ///
    /// # Errors
    /// When another process has ended.
    pub fn wait(&self, device: Device) -> Result<()> {
        self.of_the_leading(0.0, device).map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(variables: &[(&str, &str)]) -> Result<Option<Place>> {
        Place::of(|name| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned()))
    }

    #[test]
    fn a_process_alone_is_no_group() {
        assert_eq!(place(&[]).unwrap(), None);
        assert_eq!(place(&[("WORLD_SIZE", "1"), ("RANK", "0")]).unwrap(), None);
        // A batch job of several tasks is none either, unless it says where they meet.
        assert_eq!(place(&[("SLURM_NTASKS", "4"), ("SLURM_PROCID", "1")]).unwrap(), None);
        let alone = Group::default();
        let tensor = Tensor::from_slice(&[1.0_f32, 2.0]);
        assert_eq!((alone.rank(), alone.size(), alone.leads()), (0, 1, true));
        assert_eq!(alone.mean(&tensor).unwrap(), tensor);
        assert_eq!(alone.gather(&tensor).unwrap(), tensor);
    }

    #[test]
    fn launchers_say_who_a_process_is() {
        let own = [
            ("WORLD_SIZE", "4"),
            ("RANK", "0"),
            ("LOCAL_RANK", "1"),
            ("MASTER_ADDR", "node1"),
            ("MASTER_PORT", "29500"),
        ];
        let found = place(&own).unwrap().unwrap();
        assert_eq!((found.meeting.serve, found.meeting.port, found.local_rank()), (true, 29500, 1));
        let by_agent =
            [&own[..], &[("TORCHELASTIC_USE_AGENT_STORE", "True"), ("TORCHELASTIC_RESTART_COUNT", "2")]].concat();
        let found = place(&by_agent).unwrap().unwrap();
        assert_eq!((found.meeting.serve, found.meeting.prefix.as_str()), (false, "cosmogan/2"));
        let slurm = [
            ("SLURM_NTASKS", "8"),
            ("SLURM_PROCID", "5"),
            ("SLURM_LOCALID", "1"),
            ("SLURM_NTASKS_PER_NODE", "4"),
            ("MASTER_ADDR", "node1"),
            ("MASTER_PORT", "29500"),
        ];
        let found = place(&slurm).unwrap().unwrap();
        assert_eq!((found.meeting.rank, found.meeting.size, found.local_rank(), found.local_size()), (5, 8, 1, 4));
    }

    #[test]
    fn a_failed_sum_is_told_from_other_errors() {
        let explained = |text: &'static str| Group::explain(anyhow::anyhow!(text));
        assert!(explained("Internal torch error: the sum over the group failed: closed").is::<Lost>());
        assert!(!explained("CUDA out of memory").is::<Lost>());
    }

    #[test]
    fn what_is_missing_is_named() {
        for (variables, says) in [
            (&[("WORLD_SIZE", "2")][..], "RANK"),
            (&[("WORLD_SIZE", "two")], "WORLD_SIZE is \"two\""),
            (&[("WORLD_SIZE", "2"), ("RANK", "2")], "counted from 0"),
            (&[("WORLD_SIZE", "2"), ("RANK", "0")], "MASTER_ADDR"),
            (&[("WORLD_SIZE", "2"), ("RANK", "0"), ("MASTER_ADDR", "a")], "MASTER_PORT"),
            (&[("WORLD_SIZE", "2"), ("RANK", "0"), ("MASTER_ADDR", "a"), ("MASTER_PORT", "99999")], "no port"),
        ] {
            let error = format!("{:#}", place(variables).unwrap_err());
            assert!(error.contains(says), "{error}");
        }
    }
}
