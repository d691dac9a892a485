"""A module around an example of a description, which shows a few ops and leaves out where their operands come from.

Ops of a module (nf.parameter, func.func, …) stand by themselves; the others become the program @forward_backward. A value that
nothing in the example makes is an argument of it, of the type that the first reader shows, or a planned buffer; a
symbol that nothing declares is a parameter, a gradient sum, or a kernel, by the op that names it."""
import re

MODULE_OPS = ("nf.parameter", "nf.state", "nf.program", "func.func", "llvm.func", "llvm.mlir.global", "module")
STATEMENT = re.compile(r"(%[^=]*= )?(?P<op>(module|(nf|func|llvm|math|arith)\.[\w.]+))")
BUFFER_BYTES = 1 << 20  # apart from each other: larger than any example's


def depths(text):
    """(index, character, bracket depth) of all characters outside of strings."""
    depth, quoted = 0, False
    for index, character in enumerate(text):
        if character == '"' and text[index - 1] != "\\":
            quoted = not quoted
        if quoted:
            continue
        arrow = character == ">" and text[index - 1] == "-"
        if character in ")]}>" and not arrow:
            depth -= 1
        yield index, character, depth
        if character in "([{<":
            depth += 1


def split(text, separator=","):
    """`text` at the separators outside of brackets."""
    cuts = [index for index, character, depth in depths(text) if character == separator and depth == 0]
    parts = [text[start:end] for start, end in zip([0] + [cut + 1 for cut in cuts], cuts + [len(text)])]
    return [part.strip() for part in parts if part.strip()]


def statements(text):
    lines, found = [line for line in text.splitlines() if line.strip()], []
    for line in lines:
        open_brackets = found and sum((c in "([{<") - (c in ")]}>") for _, c, _ in depths(found[-1].replace("->", "")))
        if found and (open_brackets or not STATEMENT.match(line.strip())):
            found[-1] += "\n" + line
        else:
            found.append(line)
    return found


class Statement:
    def __init__(self, text):
        self.text = text
        match = STATEMENT.match(text.strip())
        if not match:
            raise ValueError(f"expected an op, but got {text.strip()!r}")
        self.op = match["op"]
        self.results = re.findall(r"%\w+", text.strip()[:match.start("op")])
        self.operands, self.types, self.symbol, self.result_types = {}, [], None, []
        if self.op in MODULE_OPS:
            return
        rest = text.strip()[match.end("op"):]
        cut = next((i for i, c, depth in depths(rest) if c == ":" and depth == 0), len(rest))
        symbol = re.match(r'\s*@("[^"]+"|[\w.$]+)', rest)
        self.symbol = symbol and symbol[1].strip('"')
        names, types = re.findall(r"%\w+", rest[:cut]), rest[cut + 1:].strip()
        if types.startswith("("):
            end = next(i for i, c, depth in depths(types) if c == ")" and depth == 0)
            # What follows them: a region, a location.
            shown = re.split(r" (?:loc\(|\{)", types[end + 1:].partition("->")[2])[0].strip()
            self.result_types = split(shown[1:-1] if shown.startswith("(") else shown)
            types = types[1:end]
        else:
            types = re.split(r" (?:loc\(|\{)", types)[0]
            self.result_types = split(types)
        self.types = split(types)
        self.operands = dict(zip(names, self.types + self.types[-1:] * len(names)))


class Example:
    def __init__(self, text):
        self.statements = [Statement(part) for part in statements(text)]
        made, self.free, self.read = set(), {}, set()
        for statement in self.statements:
            for name, type_ in statement.operands.items():
                self.read.add(name)
                if name not in made:
                    self.free.setdefault(name, type_)
            made.update(statement.results)

    def results(self):
        """Values, with the types shown, that the example makes and does not read."""
        found = {}
        for statement in self.statements:
            for name, type_ in zip(statement.results, statement.result_types):
                if name not in self.read:
                    found[name] = type_
        return found

    def declared(self):
        return set(re.findall(r'(?:nf\.parameter|nf\.state \w+|func\.func(?: private)?) @("[^"]+"|[\w.$]+)',
                              "\n".join(statement.text for statement in self.statements)))

    def missing(self):
        """Declarations of the symbols that the example names and does not declare, by name."""
        declared = {name.strip('"') for name in self.declared()}
        found = {}

        def parameter(name, type_):
            if name not in declared:
                found.setdefault(name, f'nf.parameter @"{name}" : {type_} {{init = "{{\\"kind\\":\\"zeros\\"}}"}}')

        for statement in self.statements:
            if statement.op == "nf.state":
                state = re.search(r'of @("[^"]+"|[\w.$]+) : (.*?)( \{|$)', statement.text)
                parameter(state[1].strip('"'), state[2])
            elif statement.op in ("nf.get", "nf.set"):
                parameter(statement.symbol, statement.types[0])
            elif statement.op == "nf.accumulate" and statement.symbol not in declared:
                owner = statement.symbol.removesuffix(".grad")
                parameter(owner, statement.types[0])
                found[statement.symbol] = f'nf.state gradient @"{statement.symbol}" of @"{owner}" : {statement.types[0]}'
            elif statement.op == "nf.launch" and statement.symbol not in declared:
                arguments = ", ".join(f"%a{i}: {type_}" for i, type_ in enumerate(statement.types))
                found[statement.symbol] = (f"func.func private @{statement.symbol}({arguments}, %task: index, "
                                           "%scratch: memref<?xi8>) { return }")
        return found


def module(example, other=None):
    """A module that holds `example`, with the declarations, arguments and results that suit `other`, another state of
    it, as well."""
    others = [example] + ([other] if other else [])
    if example.statements[0].op == "module":
        return example.statements[0].text
    missing = {name: text for each in others for name, text in each.missing().items()}
    # Each state of the example as the first one shows it, whichever is written.
    states = [text for name, text in sorted(missing.items()) if text.startswith("nf.state")]
    top = [text for name, text in sorted(missing.items()) if not text.startswith("nf.state")] + states
    top += [statement.text for statement in example.statements if statement.op in MODULE_OPS]
    body = [statement.text for statement in example.statements if statement.op not in MODULE_OPS]
    if body:
        top.append(program(body, example, other))
    return "module {\n" + "\n".join(top) + "\n}\n"


def program(body, example, other):
    free, results = dict(example.free), example.results()
    if other:
        free = {**other.free, **free}
        wanted = other.results()
        results = {name: type_ for name, type_ in results.items() if name in wanted}
    names = sorted(free)
    buffers = [f"%{name[1:]} = nf.buffer transient {index * BUFFER_BYTES} : {free[name]}"
               for index, name in enumerate(names) if free[name].startswith("memref")]
    arguments = ", ".join(f'{name}: {free[name]} {{nf.name = "{name[1:]}"}}' for name in names
                          if not free[name].startswith("memref"))
    if not other or any(text.strip().startswith("nf.return") for text in body):
        results = {}
    types = ", ".join(f'{type_} {{nf.name = "{name[1:]}"}}' for name, type_ in results.items())
    end = f"nf.return {', '.join(results)} : {', '.join(results.values())}" if results else "nf.return"
    lines = "\n".join(buffers + body + ([] if body[-1].strip().startswith("nf.return") else [end]))
    return f"nf.program @forward_backward({arguments}) -> ({types}) {{\n{lines}\n}}"
