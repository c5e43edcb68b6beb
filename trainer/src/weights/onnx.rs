//! A generator as an ONNX model: latent vectors `z` `[maps, latent_size]`, standard normal, to `kappa` `[maps, 1, side, side]`.
//!
//! Operator set 17, f32, batch normalisation folded into the layers before it. Messages of onnx.proto3, as far as a generator needs them.

use anyhow::{Result, bail};
use prost::Message;
use shared::{
    formats::weights::{Manifest, Weights},
    network::{
        Activation, Layer, Operation,
        definition::{KERNEL, OUTPUT_PADDING, PADDING, STRIDE},
        folded::FoldedLayer,
    },
};

/// Version of the format of the file.
const IR_VERSION: i64 = 8;
/// Version of the operators.
pub const OPERATOR_SET: i64 = 17;
/// `TensorProto.DataType` of f32 and of i64.
const FLOAT: i32 = 1;
const INT64: i32 = 7;
/// `AttributeProto.AttributeType` of a whole number and of several.
const INT: i32 = 2;
const INTS: i32 = 7;

/// `ModelProto`.
#[derive(Clone, PartialEq, Message)]
struct Model {
    #[prost(int64, tag = "1")]
    ir_version: i64,
    #[prost(string, tag = "2")]
    producer_name: String,
    #[prost(string, tag = "3")]
    producer_version: String,
    #[prost(string, tag = "6")]
    doc_string: String,
    #[prost(message, optional, tag = "7")]
    graph: Option<Graph>,
    #[prost(message, repeated, tag = "8")]
    opset_import: Vec<OperatorSet>,
    #[prost(message, repeated, tag = "14")]
    metadata_props: Vec<Property>,
}

/// `OperatorSetIdProto`.
#[derive(Clone, PartialEq, Message)]
struct OperatorSet {
    #[prost(string, tag = "1")]
    domain: String,
    #[prost(int64, tag = "2")]
    version: i64,
}

/// `StringStringEntryProto`.
#[derive(Clone, PartialEq, Message)]
struct Property {
    #[prost(string, tag = "1")]
    key: String,
    #[prost(string, tag = "2")]
    value: String,
}

/// `GraphProto`.
#[derive(Clone, PartialEq, Message)]
struct Graph {
    #[prost(message, repeated, tag = "1")]
    node: Vec<Node>,
    #[prost(string, tag = "2")]
    name: String,
    #[prost(message, repeated, tag = "5")]
    initializer: Vec<TensorOfModel>,
    #[prost(message, repeated, tag = "11")]
    input: Vec<ValueInfo>,
    #[prost(message, repeated, tag = "12")]
    output: Vec<ValueInfo>,
}

/// `NodeProto`.
#[derive(Clone, PartialEq, Message)]
struct Node {
    #[prost(string, repeated, tag = "1")]
    input: Vec<String>,
    #[prost(string, repeated, tag = "2")]
    output: Vec<String>,
    #[prost(string, tag = "3")]
    name: String,
    #[prost(string, tag = "4")]
    op_type: String,
    #[prost(message, repeated, tag = "5")]
    attribute: Vec<Attribute>,
}

/// `AttributeProto`.
#[derive(Clone, PartialEq, Message)]
struct Attribute {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(int64, tag = "3")]
    i: i64,
    #[prost(int64, repeated, tag = "8")]
    ints: Vec<i64>,
    #[prost(int32, tag = "20")]
    kind: i32,
}

/// `TensorProto`.
#[derive(Clone, PartialEq, Message)]
struct TensorOfModel {
    #[prost(int64, repeated, tag = "1")]
    dims: Vec<i64>,
    #[prost(int32, tag = "2")]
    data_type: i32,
    #[prost(string, tag = "8")]
    name: String,
    #[prost(bytes = "vec", tag = "9")]
    raw_data: Vec<u8>,
}

/// `ValueInfoProto`.
#[derive(Clone, PartialEq, Message)]
struct ValueInfo {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(message, optional, tag = "2")]
    kind: Option<Kind>,
}

/// `TypeProto`.
#[derive(Clone, PartialEq, Message)]
struct Kind {
    #[prost(message, optional, tag = "1")]
    tensor_type: Option<TensorKind>,
}

/// `TypeProto.Tensor`.
#[derive(Clone, PartialEq, Message)]
struct TensorKind {
    #[prost(int32, tag = "1")]
    elem_type: i32,
    #[prost(message, optional, tag = "2")]
    shape: Option<Shape>,
}

/// `TensorShapeProto`.
#[derive(Clone, PartialEq, Message)]
struct Shape {
    #[prost(message, repeated, tag = "1")]
    dim: Vec<Dimension>,
}

/// `TensorShapeProto.Dimension`: a number, or the name of one that is open.
#[derive(Clone, PartialEq, Message)]
struct Dimension {
    #[prost(int64, optional, tag = "1")]
    dim_value: Option<i64>,
    #[prost(string, optional, tag = "2")]
    dim_param: Option<String>,
}

/// The model as a file.
///
/// # Errors
/// When the weights are of another network.
pub fn encode(manifest: &Manifest, weights: &Weights) -> Result<Vec<u8>> {
    let network = &manifest.network;
    let layers = network.generator();
    let mut graph = Graph {
        name: "CosmoGAN generator".into(),
        input: vec![value("z", &[network.latent_size])],
        output: vec![value("kappa", &[1, network.map_side, network.map_side])],
        ..Graph::default()
    };
    let mut features = "z".to_owned();
    for folded in FoldedLayer::of(&layers, weights)? {
        let (layer, kernel, bias) = (folded.layer, folded.weight(weights)?, folded.bias(weights)?);
        let output = match layer.operation {
            Operation::Dense { inputs, outputs } => {
                let shape = layer.output.map(|size| size as i64);
                let [weight, bias] = graph.parameters(layer, (&[outputs, inputs], &kernel), &bias);
                let rows = graph.node("Gemm", &layer.name, &[&features, &weight, &bias], vec![whole("transB", 1)]);
                let shape = graph.shape(&layer.name, &[-1, shape[0], shape[1], shape[2]]);
                graph.node("Reshape", &format!("{}.map", layer.name), &[&rows, &shape], Vec::new())
            }
            Operation::TransposedConvolution { inputs, outputs } => {
                let [weight, bias] = graph.parameters(layer, (&[inputs, outputs, KERNEL, KERNEL], &kernel), &bias);
                let attributes = vec![
                    several("kernel_shape", &[KERNEL; 2]),
                    several("strides", &[STRIDE; 2]),
                    several("pads", &[PADDING; 4]),
                    several("output_padding", &[OUTPUT_PADDING; 2]),
                ];
                graph.node("ConvTranspose", &layer.name, &[&features, &weight, &bias], attributes)
            }
            other => bail!("a generator has no {other:?}"),
        };
        let name = format!("{}.activation", layer.name);
        features = match folded.activation {
            Activation::Relu => graph.node("Relu", &name, &[&output], Vec::new()),
            Activation::Tanh => graph.node("Tanh", &name, &[&output], Vec::new()),
            Activation::None | Activation::LeakyRelu => output,
        };
    }
    let scale = TensorOfModel {
        name: "kappa_scale".into(),
        data_type: FLOAT,
        raw_data: network.kappa_scale.to_le_bytes().to_vec(),
        dims: Vec::new(),
    };
    graph.initializer.push(scale);
    let inputs = vec![features, "kappa_scale".into()];
    let last = Node {
        input: inputs,
        output: vec!["kappa".into()],
        name: "kappa".into(),
        op_type: "Mul".into(),
        attribute: Vec::new(),
    };
    graph.node.push(last);
    let property = |key: &str, value: String| Property { key: key.into(), value };
    let model = Model {
        ir_version: IR_VERSION,
        producer_name: "CosmoGAN trainer".into(),
        producer_version: env!("CARGO_PKG_VERSION").into(),
        doc_string: "Weak-lensing convergence maps kappa from latent vectors z of standard normal numbers.".into(),
        graph: Some(graph),
        opset_import: vec![OperatorSet { domain: String::new(), version: OPERATOR_SET }],
        metadata_props: vec![
            property("side_angle_deg", manifest.side_angle.to_string()),
            property("training_data", manifest.origin.data().to_owned()),
        ],
    };
    Ok(model.encode_to_vec())
}

impl Graph {
    /// Adds a node, and returns the name of its output.
    fn node(&mut self, operator: &str, name: &str, inputs: &[&str], attribute: Vec<Attribute>) -> String {
        self.node.push(Node {
            input: inputs.iter().map(|&input| input.to_owned()).collect(),
            output: vec![name.to_owned()],
            name: name.to_owned(),
            op_type: operator.to_owned(),
            attribute,
        });
        name.to_owned()
    }

    /// Adds a layer's kernel and bias, and returns their names.
    fn parameters(&mut self, layer: &Layer, kernel: (&[usize], &[f32]), bias: &[f32]) -> [String; 2] {
        [("weight", kernel.0, kernel.1), ("bias", &[bias.len()], bias)].map(|(suffix, shape, values)| {
            let name = format!("{}.{suffix}", layer.name);
            self.initializer.push(TensorOfModel {
                dims: shape.iter().map(|&size| size as i64).collect(),
                data_type: FLOAT,
                name: name.clone(),
                raw_data: values.iter().flat_map(|value| value.to_le_bytes()).collect(),
            });
            name
        })
    }

    /// Adds a shape, and returns its name.
    fn shape(&mut self, name: &str, shape: &[i64]) -> String {
        let name = format!("{name}.shape");
        self.initializer.push(TensorOfModel {
            dims: vec![shape.len() as i64],
            data_type: INT64,
            name: name.clone(),
            raw_data: shape.iter().flat_map(|size| size.to_le_bytes()).collect(),
        });
        name
    }
}

fn whole(name: &str, value: i64) -> Attribute {
    Attribute { name: name.into(), i: value, ints: Vec::new(), kind: INT }
}

fn several(name: &str, values: &[usize]) -> Attribute {
    Attribute { name: name.into(), i: 0, ints: values.iter().map(|&value| value as i64).collect(), kind: INTS }
}

/// A value of the model, of any number of maps.
fn value(name: &str, shape: &[usize]) -> ValueInfo {
    let open = Dimension { dim_value: None, dim_param: Some("maps".into()) };
    let sizes = shape.iter().map(|&size| Dimension { dim_value: Some(size as i64), dim_param: None });
    let shape = Shape { dim: std::iter::once(open).chain(sizes).collect() };
    let kind = Kind { tensor_type: Some(TensorKind { elem_type: FLOAT, shape: Some(shape) }) };
    ValueInfo { name: name.into(), kind: Some(kind) }
}
