"""What random tests of compiled programs share: a module built op by op, from the case's number alone, with a forward
program and a loss."""

import random

COLUMNS = [1, 1, 2, 3, 7, 8, 15, 16, 17, 31, 33, 48, 63, 65, 100, 127, 129, 255, 257, 1000]
ROWS = [1, 1, 2, 3, 5, 7, 16, 33, 70]
WIDE = 4096


def tensor(shape, element="f32"):
    return "tensor<" + "".join(f"{size}x" for size in shape) + element + ">"


class Case:
    """A module whose loss is the sum of all ops' results, each times random weights of its own."""

    def __init__(self, seed, plain=False):
        """`plain`: parameters as they are, for passes on what depends on parameters alone."""
        self.rng, self.plain = random.Random(seed), plain
        self.parameters, self.lines, self.sums, self.results = [], [], [], []
        # A factor known only when the program runs, so that no op depends on parameters alone and is hoisted.
        self.arguments = ['%one: tensor<f32> {nf.name = "one", nf.range = [1.0, 1.0]}']
        self.count = 0

    def name(self, stem):
        self.count += 1
        return f"{stem}{self.count}"

    def columns(self):
        return WIDE if self.rng.random() < 0.1 else self.rng.choice(COLUMNS)

    def rows(self):
        """One to three leading axes."""
        return [self.rng.choice(ROWS if axis == 0 else ROWS[:5]) for axis in range(self.rng.choice([1, 1, 2, 3]))]

    def parameter(self, shape, low=-1.0, high=1.0):
        name = self.name("p")
        self.parameters.append(
            f'nf.parameter @{name} : {tensor(shape)} {{init = "zeros", nf.range = [{low}, {high}]}}')
        self.lines.append(f"  %{name} = nf.get @{name} : {tensor(shape)}")
        if self.plain:
            return f"%{name}"
        return self.op(f"nf.mul %{name}, %one : ({tensor(shape)}, tensor<f32>)", shape)

    def argument(self, shape, element="f32", attributes=""):
        name = self.name("a")
        self.arguments.append(f'%{name}: {tensor(shape, element)} {{nf.name = "{name}"{attributes}}}')
        return f"%{name}"

    def indices(self, shape, below):
        return self.argument(shape, "i32", f", nf.below = {below} : i64")

    def op(self, text, shape, element="f32"):
        """Appends an op with one result and returns it."""
        name = self.name("v")
        self.lines.append(f"  %{name} = {text} -> {tensor(shape, element)}")
        return f"%{name}"

    def take(self, value, shape):
        """Makes `value` a result, and its sum with random weights a part of the loss."""
        self.results.append((value, shape))
        weights = self.argument(shape) if shape else None
        if shape:
            value = self.op(f"nf.mul {value}, {weights} : ({tensor(shape)}, {tensor(shape)})", shape)
            ones = [1] * len(shape)
            value = self.op(f"nf.reduce_sum {value} axes {list(range(len(shape)))} : ({tensor(shape)})", ones)
            value = self.op(f"nf.reshape {value} : ({tensor(ones)})", [])
        self.sums.append(value)

    def module(self):
        total = self.sums[0]
        for value in self.sums[1:]:
            total = self.op(f"nf.add {total}, {value} : (tensor<f32>, tensor<f32>)", [])
        arguments, body = ",\n    ".join(self.arguments), "\n".join(self.lines)
        names = ", ".join(f'{tensor(shape)} {{nf.name = "{value[1:]}"}}' for value, shape in self.results)
        values = ", ".join(value for value, _ in self.results)
        types = ", ".join(tensor(shape) for _, shape in self.results)
        parameters = "\n".join(self.parameters)
        return f"""{parameters}
nf.program @values({arguments})
    -> ({names}) {{
{body}
  nf.return {values} : {types}
}}
nf.program @forward_backward({arguments})
    -> (tensor<f32> {{nf.name = "loss"}}) {{
{body}
  nf.return {total} : tensor<f32>
}}
"""
