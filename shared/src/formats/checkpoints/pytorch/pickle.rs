//! Pickles of tensors, read and not run.
//!
//! A pickle is a program for a small machine that may call any function of Python. This one knows dictionaries, lists, tuples,
//! numbers, texts, and of functions only those by which `torch.save` says "here is a tensor": it builds descriptions of these, and
//! ends at the first name that it does not know.

use std::collections::BTreeMap;

use super::super::{CheckpointError, Float};

/// Most axes of a tensor, and longest name of a storage or a function: what is copied often has to be short.
const MOST_AXES: usize = 8;
const LONGEST_NAME: usize = 200;

/// A value, that others name by its index.
#[derive(Debug, Clone, PartialEq)]
pub enum Node {
    /// None, or something that does not matter here.
    Nothing,
    /// A whole number, True and False among them; those beyond 64 bits are `Nothing`.
    Integer(i64),
    /// A text.
    Text(String),
    /// A list.
    List(Vec<usize>),
    /// A tuple.
    Tuple(Vec<usize>),
    /// A dictionary, of keys and values.
    Dictionary(Vec<(usize, usize)>),
    /// A function that makes one of these.
    Function(Function),
    /// The type of a storage.
    StorageType(String),
    /// A storage.
    Storage {
        /// Its key.
        key: String,
        /// Type of its numbers.
        kind: String,
    },
    /// A tensor.
    Tensor(TensorPlace),
}

/// Functions that are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Function {
    /// `collections.OrderedDict`.
    Dictionary,
    /// `torch._utils._rebuild_tensor_v2(storage, offset, size, stride, ...)`.
    Tensor,
    /// `torch._utils._rebuild_parameter(tensor, ...)`.
    Parameter,
    /// Numbers of NumPy and the like, that stand beside the tensors in a training's state.
    Number,
}

/// Which numbers of a storage a tensor is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TensorPlace {
    /// Key of its storage.
    pub storage: String,
    /// Type of its numbers, such as `FloatStorage`.
    pub kind: String,
    /// Place of its first number in the storage.
    pub offset: usize,
    /// Sizes of its axes.
    pub shape: Vec<usize>,
    /// Numbers from one to the next along each axis.
    pub strides: Vec<usize>,
}

impl TensorPlace {
    /// Type of its numbers, where they are of floating point.
    pub fn float(&self) -> Option<Float> {
        match self.kind.as_str() {
            "FloatStorage" => Some(Float::Single),
            "DoubleStorage" => Some(Float::Double),
            "HalfStorage" => Some(Float::Half),
            "BFloat16Storage" => Some(Float::Brain),
            _ => None,
        }
    }

    /// Bytes of a number.
    pub(super) fn width(&self) -> Option<usize> {
        match self.kind.as_str() {
            "LongStorage" | "DoubleStorage" | "ComplexFloatStorage" => Some(8),
            "IntStorage" | "FloatStorage" => Some(4),
            "ShortStorage" | "HalfStorage" | "BFloat16Storage" => Some(2),
            "ByteStorage" | "CharStorage" | "BoolStorage" => Some(1),
            _ => None,
        }
    }
}

/// What a pickle holds.
#[derive(Debug)]
pub struct Pickle {
    nodes: Vec<Node>,
    /// Index of the whole.
    pub root: usize,
}

impl Pickle {
    /// Reads a pickle from the front, and tells its length.
    ///
    /// # Errors
    /// When it is damaged, or names code.
    pub fn read(bytes: &[u8]) -> Result<(Self, usize), CheckpointError> {
        let mut machine = Machine { rest: bytes, ..Machine::default() };
        let root = machine.run()?;
        Ok((Self { nodes: machine.nodes, root }, bytes.len() - machine.rest.len()))
    }

    /// A value.
    pub fn node(&self, at: usize) -> Option<&Node> {
        self.nodes.get(at)
    }

    /// A text, where it is one.
    pub fn text(&self, at: usize) -> Option<&str> {
        match self.node(at)? {
            Node::Text(text) => Some(text),
            _ => None,
        }
    }

    /// All its tensors.
    pub fn tensors(&self) -> impl Iterator<Item = &TensorPlace> {
        self.nodes.iter().filter_map(|node| if let Node::Tensor(place) = node { Some(place) } else { None })
    }
}

fn damaged(what: &str) -> CheckpointError {
    CheckpointError::Damaged(format!("its pickle {what}"))
}

/// The machine: a stack of values, places on it that are marked, and values that were kept by number.
#[derive(Default)]
struct Machine<'a> {
    rest: &'a [u8],
    nodes: Vec<Node>,
    stack: Vec<usize>,
    marks: Vec<usize>,
    memo: BTreeMap<u32, usize>,
}

impl<'a> Machine<'a> {
    fn run(&mut self) -> Result<usize, CheckpointError> {
        loop {
            let opcode = self.take(1)?[0];
            if opcode == b'.' {
                return self.pop();
            }
            let is_known = self.stack(opcode)?
                || self.memory(opcode)?
                || self.scalar(opcode)?
                || self.container(opcode)?
                || self.named(opcode)?;
            if !is_known {
                return Err(damaged(&format!("has the opcode {opcode:#04x}, which no dictionary of tensors has")));
            }
        }
    }

    /// Does what changes the stack alone, where the opcode is that.
    fn stack(&mut self, opcode: u8) -> Result<bool, CheckpointError> {
        match opcode {
            // PROTO and FRAME: nothing that changes what follows.
            0x80 => drop(self.take(1)?),
            0x95 => drop(self.take(8)?),
            b'(' => self.marks.push(self.stack.len()),
            // POP; and BUILD, which gives a dictionary attributes, such as _metadata.
            b'0' | b'b' => drop(self.pop()?),
            b'1' => drop(self.since_mark()?),
            b'2' => {
                let top = self.top()?;
                self.stack.push(top);
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// Keeps a value by number, or recalls one.
    fn memory(&mut self, opcode: u8) -> Result<bool, CheckpointError> {
        match opcode {
            b'q' => {
                let number = self.take(1)?[0];
                self.keep(number.into())?;
            }
            b'r' => {
                let number = self.four()?;
                self.keep(number)?;
            }
            0x94 => self.keep(self.memo.len() as u32)?,
            b'h' => {
                let number = self.take(1)?[0];
                self.recall(number.into())?;
            }
            b'j' => {
                let number = self.four()?;
                self.recall(number)?;
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// Numbers and texts; bytes and numbers of floating point do not matter here.
    fn scalar(&mut self, opcode: u8) -> Result<bool, CheckpointError> {
        match opcode {
            b'N' => self.push(Node::Nothing),
            0x88 => self.push(Node::Integer(1)),
            0x89 => self.push(Node::Integer(0)),
            b'K' => {
                let byte = self.take(1)?[0];
                self.push(Node::Integer(byte.into()));
            }
            b'M' => {
                let two = self.take(2)?;
                self.push(Node::Integer(u16::from_le_bytes([two[0], two[1]]).into()));
            }
            b'J' => {
                let number = self.four()?.cast_signed();
                self.push(Node::Integer(number.into()));
            }
            0x8a => {
                let length = self.take(1)?[0];
                self.long(length.into())?;
            }
            0x8b => {
                let length = self.four()?;
                self.long(length.into())?;
            }
            b'G' => {
                self.take(8)?;
                self.push(Node::Nothing);
            }
            b'X' | b'T' | b'B' => {
                let length = self.four()?;
                self.text(opcode == b'X', length.into())?;
            }
            0x8c | b'U' | b'C' => {
                let length = self.take(1)?[0];
                self.text(opcode == 0x8c, length.into())?;
            }
            0x8d | 0x8e => {
                let length = self.take(8)?.first_chunk().map_or(0, |&eight| u64::from_le_bytes(eight));
                self.text(opcode == 0x8d, length)?;
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// Tuples, lists and dictionaries; sets are lists here.
    fn container(&mut self, opcode: u8) -> Result<bool, CheckpointError> {
        match opcode {
            b'}' => self.push(Node::Dictionary(Vec::new())),
            b']' | 0x8f => self.push(Node::List(Vec::new())),
            b')' => self.push(Node::Tuple(Vec::new())),
            b't' => {
                let items = self.since_mark()?;
                self.push(Node::Tuple(items));
            }
            0x85..=0x87 => {
                let start = self.stack.len().checked_sub(usize::from(opcode - 0x84));
                let items = self.split(start)?;
                self.push(Node::Tuple(items));
            }
            b's' => {
                let start = self.stack.len().checked_sub(2);
                let items = self.split(start)?;
                self.set(&items)?;
            }
            b'u' => {
                let items = self.since_mark()?;
                self.set(&items)?;
            }
            b'a' => {
                let item = self.pop()?;
                self.append(&[item])?;
            }
            b'e' | 0x90 => {
                let items = self.since_mark()?;
                self.append(&items)?;
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// Names, and what is made by them.
    fn named(&mut self, opcode: u8) -> Result<bool, CheckpointError> {
        match opcode {
            b'c' => {
                let [module, name] = [self.line()?, self.line()?];
                self.name(module, name)?;
            }
            0x93 => {
                let [name, module] = [self.pop()?, self.pop()?];
                let (Some(Node::Text(module)), Some(Node::Text(name))) =
                    (self.nodes.get(module).cloned(), self.nodes.get(name).cloned())
                else {
                    return Err(damaged("names something by what is no name"));
                };
                self.name(&module, &name)?;
            }
            b'Q' => self.storage()?,
            b'R' | 0x81 => self.call()?,
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn take(&mut self, bytes: u64) -> Result<&'a [u8], CheckpointError> {
        let taken = usize::try_from(bytes).ok().and_then(|bytes| self.rest.split_at_checked(bytes));
        let (taken, rest) = taken.ok_or_else(|| damaged("is cut off"))?;
        self.rest = rest;
        Ok(taken)
    }

    fn four(&mut self) -> Result<u32, CheckpointError> {
        let four = self.take(4)?;
        Ok(u32::from_le_bytes([four[0], four[1], four[2], four[3]]))
    }

    fn line(&mut self) -> Result<&'a str, CheckpointError> {
        let length = self.rest.iter().position(|&byte| byte == b'\n').ok_or_else(|| damaged("is cut off"))?;
        let line = &self.take(length as u64 + 1)?[..length];
        std::str::from_utf8(line).map_err(|_| damaged("has a name that is no text"))
    }

    fn push(&mut self, node: Node) {
        self.stack.push(self.nodes.len());
        self.nodes.push(node);
    }

    fn pop(&mut self) -> Result<usize, CheckpointError> {
        // What lies below a mark is not to be taken.
        let lowest = self.marks.last().copied().unwrap_or(0);
        if self.stack.len() <= lowest {
            return Err(damaged("takes what is not there"));
        }
        self.stack.pop().ok_or_else(|| damaged("takes what is not there"))
    }

    fn top(&self) -> Result<usize, CheckpointError> {
        self.stack.last().copied().ok_or_else(|| damaged("takes what is not there"))
    }

    fn split(&mut self, start: Option<usize>) -> Result<Vec<usize>, CheckpointError> {
        let start = start.filter(|&start| start <= self.stack.len());
        Ok(self.stack.split_off(start.ok_or_else(|| damaged("takes what is not there"))?))
    }

    fn since_mark(&mut self) -> Result<Vec<usize>, CheckpointError> {
        let mark = self.marks.pop();
        self.split(mark)
    }

    fn keep(&mut self, number: u32) -> Result<(), CheckpointError> {
        let top = self.top()?;
        self.memo.insert(number, top);
        Ok(())
    }

    fn recall(&mut self, number: u32) -> Result<(), CheckpointError> {
        let kept = self.memo.get(&number).copied().ok_or_else(|| damaged("recalls what it did not keep"))?;
        self.stack.push(kept);
        Ok(())
    }

    fn text(&mut self, is_text: bool, length: u64) -> Result<(), CheckpointError> {
        let bytes = self.take(length)?;
        let text = is_text.then(|| String::from_utf8_lossy(bytes).into_owned());
        self.push(text.map_or(Node::Nothing, Node::Text));
        Ok(())
    }

    fn long(&mut self, length: u64) -> Result<(), CheckpointError> {
        let bytes = self.take(length)?;
        let mut eight = if bytes.last().is_some_and(|&byte| byte >= 0x80) { [0xff; 8] } else { [0; 8] };
        let node = match eight.get_mut(..bytes.len()) {
            Some(lowest) => {
                lowest.copy_from_slice(bytes);
                Node::Integer(i64::from_le_bytes(eight))
            }
            None => Node::Nothing,
        };
        self.push(node);
        Ok(())
    }

    fn set(&mut self, items: &[usize]) -> Result<(), CheckpointError> {
        let top = self.top()?;
        let (pairs, []) = items.as_chunks::<2>() else { return Err(damaged("has a key without a value")) };
        match self.nodes.get_mut(top) {
            Some(Node::Dictionary(of)) => of.extend(pairs.iter().map(|&[key, value]| (key, value))),
            _ => return Err(damaged("puts items into what is no dictionary")),
        }
        Ok(())
    }

    fn append(&mut self, items: &[usize]) -> Result<(), CheckpointError> {
        let top = self.top()?;
        match self.nodes.get_mut(top) {
            Some(Node::List(of)) => of.extend_from_slice(items),
            _ => return Err(damaged("appends to what is no list")),
        }
        Ok(())
    }

    fn name(&mut self, module: &str, name: &str) -> Result<(), CheckpointError> {
        if module.len() > LONGEST_NAME || name.len() > LONGEST_NAME {
            return Err(damaged("has a name without an end"));
        }
        let node = match (module, name) {
            ("collections", "OrderedDict") => Node::Function(Function::Dictionary),
            ("torch._utils", "_rebuild_tensor_v2") => Node::Function(Function::Tensor),
            ("torch._utils", "_rebuild_parameter") => Node::Function(Function::Parameter),
            ("torch", storage) if storage.ends_with("Storage") => Node::StorageType(storage.to_owned()),
            ("torch", "Size" | "device")
            | ("numpy", "dtype")
            | ("numpy.core.multiarray" | "numpy._core.multiarray", "scalar")
            | ("_codecs", "encode") => Node::Function(Function::Number),
            _ => return Err(CheckpointError::Code(format!("{module}.{name}"))),
        };
        self.push(node);
        Ok(())
    }

    /// A storage by its persistent name: ("storage", type, key, device, length, ...).
    fn storage(&mut self) -> Result<(), CheckpointError> {
        let name = self.pop()?;
        let Some(Node::Tuple(items)) = self.nodes.get(name) else {
            return Err(damaged("has a storage without a name"));
        };
        let mut items = items.iter().map(|&item| self.nodes.get(item));
        let (word, kind, key) = (items.next().flatten(), items.next().flatten(), items.next().flatten());
        let (Some(Node::Text(word)), Some(Node::StorageType(kind)), Some(Node::Text(key))) = (word, kind, key) else {
            return Err(damaged("has a storage of another form than torch's"));
        };
        if word != "storage" || key.len() > LONGEST_NAME {
            return Err(damaged("names something that is no storage"));
        }
        let storage = Node::Storage { key: key.clone(), kind: kind.clone() };
        self.push(storage);
        Ok(())
    }

    fn call(&mut self) -> Result<(), CheckpointError> {
        let [arguments, function] = [self.pop()?, self.pop()?];
        let (Some(Node::Function(function)), Some(Node::Tuple(arguments))) =
            (self.nodes.get(function), self.nodes.get(arguments))
        else {
            return Err(damaged("calls what is no function"));
        };
        let made = match function {
            Function::Dictionary => Node::Dictionary(Vec::new()),
            Function::Number => Node::Nothing,
            Function::Parameter => match arguments.first().and_then(|&tensor| self.nodes.get(tensor)) {
                Some(Node::Tensor(place)) => Node::Tensor(place.clone()),
                _ => return Err(damaged("has a parameter without a tensor")),
            },
            Function::Tensor if self.is_marked(arguments) => {
                let what = "it holds a tensor that is the negative or the conjugate of its numbers: save tensor.resolve_neg() \
                            and resolve_conj() in its place";
                return Err(CheckpointError::Kind(what.into()));
            }
            Function::Tensor => {
                self.tensor(arguments).ok_or_else(|| damaged("has a tensor of another form than torch's"))?
            }
        };
        self.push(made);
        Ok(())
    }

    /// Whether a tensor has bits beside its numbers, in the seventh argument.
    fn is_marked(&self, arguments: &[usize]) -> bool {
        let marks = arguments.get(6).and_then(|&at| self.nodes.get(at));
        matches!(marks, Some(Node::Dictionary(pairs)) if !pairs.is_empty())
    }

    fn tensor(&self, arguments: &[usize]) -> Option<Node> {
        let node = |at: usize| self.nodes.get(*arguments.get(at)?);
        let sizes = |node: &Node| {
            let Node::Tuple(items) = node else { return None };
            let size = |&item: &usize| match self.nodes.get(item)? {
                &Node::Integer(size) => usize::try_from(size).ok(),
                _ => None,
            };
            items.iter().map(size).collect::<Option<Vec<usize>>>()
        };
        let (Node::Storage { key, kind }, &Node::Integer(offset)) = (node(0)?, node(1)?) else { return None };
        let (shape, strides) = (sizes(node(2)?)?, sizes(node(3)?)?);
        let offset = usize::try_from(offset).ok()?;
        let place = TensorPlace { storage: key.clone(), kind: kind.clone(), offset, shape, strides };
        let is_tensor = place.shape.len() == place.strides.len() && place.shape.len() <= MOST_AXES;
        is_tensor.then_some(Node::Tensor(place))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `{"w": tensor}` as protocol 2 writes it, with names kept and recalled.
    fn pickle() -> Vec<u8> {
        [
            &b"\x80\x02}q\x00X\x01\x00\x00\x00wq\x01ctorch._utils\n_rebuild_tensor_v2\nq\x02((X\x07\x00\x00\x00storageq\x03"[..],
            b"ctorch\nFloatStorage\nq\x04X\x01\x00\x00\x000q\x05X\x03\x00\x00\x00cpuq\x06K\x06tq\x07QK\x00K\x02K\x03\x86q\x08",
            b"K\x03K\x01\x86q\x09\x89ccollections\nOrderedDict\nq\x0a)Rq\x0btq\x0cRq\x0ds.",
        ]
        .concat()
    }

    #[test]
    fn a_tensor_is_described() {
        let bytes = [&pickle()[..], b"what follows"].concat();
        let (pickle, length) = Pickle::read(&bytes).unwrap();
        assert_eq!(&bytes[length..], b"what follows");
        let places: Vec<_> = pickle.tensors().collect();
        let expected = TensorPlace {
            storage: "0".into(),
            kind: "FloatStorage".into(),
            offset: 0,
            shape: vec![2, 3],
            strides: vec![3, 1],
        };
        assert_eq!(places, [&expected]);
        let Some(Node::Dictionary(pairs)) = pickle.node(pickle.root) else { panic!("no dictionary") };
        assert_eq!(pickle.text(pairs[0].0), Some("w"));
    }

    #[test]
    fn code_is_named_and_not_run() {
        for (code, name) in [
            (&b"cos\nsystem\n(X\x02\x00\x00\x00lstR."[..], "os.system"),
            (b"cbuiltins\neval\n.", "builtins.eval"),
            (b"\x80\x04\x8c\x02os\x8c\x06system\x93.", "os.system"),
            (b"ctorch.nn.modules.linear\nLinear\n)\x81.", "torch.nn.modules.linear.Linear"),
            (b"ctorch\nload\n.", "torch.load"),
        ] {
            let error = Pickle::read(code).unwrap_err().to_string();
            assert!(error.contains(name) && error.contains("nothing of it is run"), "{error}");
        }
    }

    #[test]
    fn every_cut_is_an_error_and_no_changed_byte_is_fatal() {
        let whole = pickle();
        for length in 0..whole.len() {
            assert!(Pickle::read(&whole[..length]).is_err(), "cut at {length}");
        }
        for at in 0..whole.len() {
            for flip in 0..8 {
                let mut changed = whole.clone();
                changed[at] ^= 1 << flip;
                drop(Pickle::read(&changed));
            }
        }
    }
}
