// Attention explorer, 1 of 6: the weights, as packing.py wrote them.
// The six files are joined into one module (see page.py) and share names.

const NATS = 24; // as in packing.py

function bytes(base64) {
  return Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
}

async function gunzip(packed) {
  const stream = new Blob([packed]).stream()
    .pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream).arrayBuffer();
}

function fromLogarithm(code) {
  return code === 65535 ? 0 : Math.exp((-code / 65534) * NATS);
}

function sumOf(values) {
  return values.reduce((sum, value) => sum + value, 0);
}

// A row is { weights, largest, onClass, where, entropy, about }: weights on
// the patches, then what is said in words. about: computed from weights
// that are rounded, not stored.
class Data {
  constructor(config, buffer) {
    const { layers, heads, rollout, mean, queries, rows, cols } = config;
    this.config = config;
    this.keys = rows * cols;
    this.most = Math.log(this.keys + Number(config.classToken));
    this.maps = heads.length + Number(rollout);
    this.numbered = this.maps + Number(mean);
    const count = layers.length * this.numbered * queries;
    [this.largest, this.onClass, this.where, this.entropy] = [0, 2, 4, 6]
      .map((at) => new Uint16Array(buffer, at * count, count));
    this.steps = new Uint8Array(buffer, 8 * count);
    for (let i = this.keys; config.delta && i < this.steps.length; i += 1) {
      this.steps[i] += this.steps[i - this.keys];
    }
  }

  static async read(config) {
    return new Data(config, await gunzip(bytes(config.payload)));
  }

  numbers(layer, slot, query) {
    const at = (layer * this.numbered + slot) * this.config.queries + query;
    return {
      largest: fromLogarithm(this.largest[at]),
      onClass: fromLogarithm(this.onClass[at]),
      where: this.where[at],
      entropy: (this.entropy[at] / 65535) * this.most,
    };
  }

  // slot: the number of a head, or heads.length for the rollout
  row(layer, slot, query) {
    const numbers = this.numbers(layer, slot, query);
    const scale = numbers.largest / this.config.levels;
    const at = (layer * this.maps + slot) * this.config.queries + query;
    const weights = new Float32Array(this.keys);
    for (let i = 0; i < this.keys; i += 1) {
      weights[i] = this.steps[at * this.keys + i] * scale;
    }
    return { ...numbers, weights };
  }

  rollout(layer, query) {
    return this.row(layer, this.config.heads.length, query);
  }

  // heads: numbers of those that are on; null if there are none
  mean(layer, query, heads) {
    if (!heads.length) return null;
    const rows = heads.map((head) => this.row(layer, head, query));
    if (rows.length === 1) return rows[0];
    const weights = new Float32Array(this.keys);
    for (const row of rows) {
      for (let i = 0; i < this.keys; i += 1) {
        weights[i] += row.weights[i] / rows.length;
      }
    }
    const all = rows.length === this.config.heads.length;
    const numbers = all ? this.numbers(layer, this.maps, query)
      : this.count(weights, rows);
    return { weights, ...numbers };
  }

  // the numbers of a mean over some heads
  count(weights, rows) {
    const onClass = sumOf(rows.map((row) => row.onClass)) / rows.length;
    const largest = Math.max(...weights);
    const total = sumOf(weights) || 1; // near 1 - onClass; now exactly
    const shares = Array.from(weights, (w) => (w * (1 - onClass)) / total);
    const entropy = -sumOf([onClass, ...shares]
      .map((p) => (p > 0 ? p * Math.log(p) : 0)));
    return {
      onClass, largest, entropy, where: weights.indexOf(largest), about: true,
    };
  }
}
