// RUN: nf-check %s --against=decomposed | FileCheck %s
// RUN: nf-check %s --against=cpu | FileCheck %s
// RUN: nf-check %s --against=cpu --target=cuda-emulated --check-kernels | FileCheck %s
// RUN: nf-check %s --against=finite-differences | FileCheck %s --check-prefixes=CHECK,GRADIENT

nf.parameter @full : tensor<3x17xf32> {init = "zeros", nf.range = [0.25, 2.0]}
nf.parameter @same : tensor<3x17xf32> {init = "zeros", nf.range = [0.25, 2.0]}
nf.parameter @row : tensor<17xf32> {init = "zeros", nf.range = [0.25, 2.0]}
nf.parameter @column : tensor<3x1xf32> {init = "zeros", nf.range = [0.25, 2.0]}
nf.parameter @one : tensor<1xf32> {init = "zeros", nf.range = [0.25, 2.0]}
nf.parameter @lead : tensor<2x3x17xf32> {init = "zeros", nf.range = [0.25, 2.0]}
nf.parameter @middle : tensor<2x1x17xf32> {init = "zeros", nf.range = [0.25, 2.0]}
nf.parameter @signed : tensor<3x17xf32> {init = "zeros"}

// CHECK-LABEL: @add_full_same{{$}}
// CHECK-NEXT: r: largest error
// GRADIENT-NEXT: d/d full: largest error
// GRADIENT-NEXT: d/d same: largest error
nf.program @add_full_same(%g: tensor<3x17xf32> {nf.name = "g"}) -> (tensor<3x17xf32> {nf.name = "r"}) {
  %full = nf.get @full : tensor<3x17xf32>
  %same = nf.get @same : tensor<3x17xf32>
  %y = nf.add %full, %same : (tensor<3x17xf32>, tensor<3x17xf32>) -> tensor<3x17xf32>
  %r = nf.mul %y, %g : (tensor<3x17xf32>, tensor<3x17xf32>) -> tensor<3x17xf32>
  nf.return %r : tensor<3x17xf32>
}

// CHECK-LABEL: @add_full_row{{$}}
// CHECK-NEXT: r: largest error
// GRADIENT-NEXT: d/d full: largest error
// GRADIENT-NEXT: d/d row: largest error
nf.program @add_full_row(%g: tensor<3x17xf32> {nf.name = "g"}) -> (tensor<3x17xf32> {nf.name = "r"}) {
  %full = nf.get @full : tensor<3x17xf32>
  %row = nf.get @row : tensor<17xf32>
  %y = nf.add %full, %row : (tensor<3x17xf32>, tensor<17xf32>) -> tensor<3x17xf32>
  %r = nf.mul %y, %g : (tensor<3x17xf32>, tensor<3x17xf32>) -> tensor<3x17xf32>
  nf.return %r : tensor<3x17xf32>
}

// CHECK-LABEL: @add_column_full{{$}}
// CHECK-NEXT: r: largest error
// GRADIENT-NEXT: d/d full: largest error
// GRADIENT-NEXT: d/d column: largest error
nf.program @add_column_full(%g: tensor<3x17xf32> {nf.name = "g"}) -> (tensor<3x17xf32> {nf.name = "r"}) {
  %column = nf.get @column : tensor<3x1xf32>
  %full = nf.get @full : tensor<3x17xf32>
  %y = nf.add %column, %full : (tensor<3x1xf32>, tensor<3x17xf32>) -> tensor<3x17xf32>
  %r = nf.mul %y, %g : (tensor<3x17xf32>, tensor<3x17xf32>) -> tensor<3x17xf32>
  nf.return %r : tensor<3x17xf32>
}

// CHECK-LABEL: @add_row_column{{$}}
// CHECK-NEXT: r: largest error
// GRADIENT-NEXT: d/d row: largest error
// GRADIENT-NEXT: d/d column: largest error
nf.program @add_row_column(%g: tensor<3x17xf32> {nf.name = "g"}) -> (tensor<3x17xf32> {nf.name = "r"}) {
  %row = nf.get @row : tensor<17xf32>
  %column = nf.get @column : tensor<3x1xf32>
  %y = nf.add %row, %column : (tensor<17xf32>, tensor<3x1xf32>) -> tensor<3x17xf32>
  %r = nf.mul %y, %g : (tensor<3x17xf32>, tensor<3x17xf32>) -> tensor<3x17xf32>
  nf.return %r : tensor<3x17xf32>
}

// CHECK-LABEL: @add_one_full{{$}}
// CHECK-NEXT: r: largest error
// GRADIENT-NEXT: d/d full: largest error
// GRADIENT-NEXT: d/d one: largest error
nf.program @add_one_full(%g: tensor<3x17xf32> {nf.name = "g"}) -> (tensor<3x17xf32> {nf.name = "r"}) {
  %one = nf.get @one : tensor<1xf32>
  %full = nf.get @full : tensor<3x17xf32>
  %y = nf.add %one, %full : (tensor<1xf32>, tensor<3x17xf32>) -> tensor<3x17xf32>
  %r = nf.mul %y, %g : (tensor<3x17xf32>, tensor<3x17xf32>) -> tensor<3x17xf32>
  nf.return %r : tensor<3x17xf32>
}

// CHECK-LABEL: @add_lead_full{{$}}
// CHECK-NEXT: r: largest error
// GRADIENT-NEXT: d/d full: largest error
// GRADIENT-NEXT: d/d lead: largest error
nf.program @add_lead_full(%g: tensor<2x3x17xf32> {nf.name = "g"}) -> (tensor<2x3x17xf32> {nf.name = "r"}) {
  %lead = nf.get @lead : tensor<2x3x17xf32>
  %full = nf.get @full : tensor<3x17xf32>
  %y = nf.add %lead, %full : (tensor<2x3x17xf32>, tensor<3x17xf32>) -> tensor<2x3x17xf32>
  %r = nf.mul %y, %g : (tensor<2x3x17xf32>, tensor<2x3x17xf32>) -> tensor<2x3x17xf32>
  nf.return %r : tensor<2x3x17xf32>
}

// CHECK-LABEL: @add_middle_column{{$}}
// CHECK-NEXT: r: largest error
// GRADIENT-NEXT: d/d column: largest error
// GRADIENT-NEXT: d/d middle: largest error
nf.program @add_middle_column(%g: tensor<2x3x17xf32> {nf.name = "g"}) -> (tensor<2x3x17xf32> {nf.name = "r"}) {
  %middle = nf.get @middle : tensor<2x1x17xf32>
  %column = nf.get @column : tensor<3x1xf32>
  %y = nf.add %middle, %column : (tensor<2x1x17xf32>, tensor<3x1xf32>) -> tensor<2x3x17xf32>
  %r = nf.mul %y, %g : (tensor<2x3x17xf32>, tensor<2x3x17xf32>) -> tensor<2x3x17xf32>
  nf.return %r : tensor<2x3x17xf32>
}

// CHECK-LABEL: @sub_full_same{{$}}
// CHECK-NEXT: r: largest error
// GRADIENT-NEXT: d/d full: largest error
// GRADIENT-NEXT: d/d same: largest error
nf.program @sub_full_same(%g: tensor<3x17xf32> {nf.name = "g"}) -> (tensor<3x17xf32> {nf.name = "r"}) {
  %full = nf.get @full : tensor<3x17xf32>
  %same = nf.get @same : tensor<3x17xf32>
  %y = nf.sub %full, %same : (tensor<3x17xf32>, tensor<3x17xf32>) -> tensor<3x17xf32>
  %r = nf.mul %y, %g : (tensor<3x17xf32>, tensor<3x17xf32>) -> tensor<3x17xf32>
  nf.return %r : tensor<3x17xf32>
}

// CHECK-LABEL: @sub_full_row{{$}}
// CHECK-NEXT: r: largest error
// GRADIENT-NEXT: d/d full: largest error
// GRADIENT-NEXT: d/d row: largest error
nf.program @sub_full_row(%g: tensor<3x17xf32> {nf.name = "g"}) -> (tensor<3x17xf32> {nf.name = "r"}) {
  %full = nf.get @full : tensor<3x17xf32>
  %row = nf.get @row : tensor<17xf32>
  %y = nf.sub %full, %row : (tensor<3x17xf32>, tensor<17xf32>) -> tensor<3x17xf32>
  %r = nf.mul %y, %g : (tensor<3x17xf32>, tensor<3x17xf32>) -> tensor<3x17xf32>
  nf.return %r : tensor<3x17xf32>
}

// CHECK-LABEL: @sub_column_full{{$}}
// CHECK-NEXT: r: largest error
// GRADIENT-NEXT: d/d full: largest error
// GRADIENT-NEXT: d/d column: largest error
nf.program @sub_column_full(%g: tensor<3x17xf32> {nf.name = "g"}) -> (tensor<3x17xf32> {nf.name = "r"}) {
  %column = nf.get @column : tensor<3x1xf32>
  %full = nf.get @full : tensor<3x17xf32>
  %y = nf.sub %column, %full : (tensor<3x1xf32>, tensor<3x17xf32>) -> tensor<3x17xf32>
  %r = nf.mul %y, %g : (tensor<3x17xf32>, tensor<3x17xf32>) -> tensor<3x17xf32>
  nf.return %r : tensor<3x17xf32>
}

// CHECK-LABEL: @sub_row_column{{$}}
// CHECK-NEXT: r: largest error
// GRADIENT-NEXT: d/d row: largest error
// GRADIENT-NEXT: d/d column: largest error
nf.program @sub_row_column(%g: tensor<3x17xf32> {nf.name = "g"}) -> (tensor<3x17xf32> {nf.name = "r"}) {
  %row = nf.get @row : tensor<17xf32>
  %column = nf.get @column : tensor<3x1xf32>
  %y = nf.sub %row, %column : (tensor<17xf32>, tensor<3x1xf32>) -> tensor<3x17xf32>
  %r = nf.mul %y, %g : (tensor<3x17xf32>, tensor<3x17xf32>) -> tensor<3x17xf32>
  nf.return %r : tensor<3x17xf32>
}

// CHECK-LABEL: @sub_one_full{{$}}
// CHECK-NEXT: r: largest error
// GRADIENT-NEXT: d/d full: largest error
// GRADIENT-NEXT: d/d one: largest error
nf.program @sub_one_full(%g: tensor<3x17xf32> {nf.name = "g"}) -> (tensor<3x17xf32> {nf.name = "r"}) {
  %one = nf.get @one : tensor<1xf32>
  %full = nf.get @full : tensor<3x17xf32>
  %y = nf.sub %one, %full : (tensor<1xf32>, tensor<3x17xf32>) -> tensor<3x17xf32>
  %r = nf.mul %y, %g : (tensor<3x17xf32>, tensor<3x17xf32>) -> tensor<3x17xf32>
  nf.return %r : tensor<3x17xf32>
}

// CHECK-LABEL: @sub_lead_full{{$}}
// CHECK-NEXT: r: largest error
// GRADIENT-NEXT: d/d full: largest error
// GRADIENT-NEXT: d/d lead: largest error
nf.program @sub_lead_full(%g: tensor<2x3x17xf32> {nf.name = "g"}) -> (tensor<2x3x17xf32> {nf.name = "r"}) {
  %lead = nf.get @lead : tensor<2x3x17xf32>
  %full = nf.get @full : tensor<3x17xf32>
  %y = nf.sub %lead, %full : (tensor<2x3x17xf32>, tensor<3x17xf32>) -> tensor<2x3x17xf32>
  %r = nf.mul %y, %g : (tensor<2x3x17xf32>, tensor<2x3x17xf32>) -> tensor<2x3x17xf32>
  nf.return %r : tensor<2x3x17xf32>
}

// CHECK-LABEL: @sub_middle_column{{$}}
// CHECK-NEXT: r: largest error
// GRADIENT-NEXT: d/d column: largest error
// GRADIENT-NEXT: d/d middle: largest error
nf.program @sub_middle_column(%g: tensor<2x3x17xf32> {nf.name = "g"}) -> (tensor<2x3x17xf32> {nf.name = "r"}) {
  %middle = nf.get @middle : tensor<2x1x17xf32>
  %column = nf.get @column : tensor<3x1xf32>
  %y = nf.sub %middle, %column : (tensor<2x1x17xf32>, tensor<3x1xf32>) -> tensor<2x3x17xf32>
  %r = nf.mul %y, %g : (tensor<2x3x17xf32>, tensor<2x3x17xf32>) -> tensor<2x3x17xf32>
  nf.return %r : tensor<2x3x17xf32>
}

// CHECK-LABEL: @mul_full_same{{$}}
// CHECK-NEXT: r: largest error
// GRADIENT-NEXT: d/d full: largest error
// GRADIENT-NEXT: d/d same: largest error
nf.program @mul_full_same(%g: tensor<3x17xf32> {nf.name = "g"}) -> (tensor<3x17xf32> {nf.name = "r"}) {
  %full = nf.get @full : tensor<3x17xf32>
  %same = nf.get @same : tensor<3x17xf32>
  %y = nf.mul %full, %same : (tensor<3x17xf32>, tensor<3x17xf32>) -> tensor<3x17xf32>
  %r = nf.mul %y, %g : (tensor<3x17xf32>, tensor<3x17xf32>) -> tensor<3x17xf32>
  nf.return %r : tensor<3x17xf32>
}

// CHECK-LABEL: @mul_full_row{{$}}
// CHECK-NEXT: r: largest error
// GRADIENT-NEXT: d/d full: largest error
// GRADIENT-NEXT: d/d row: largest error
nf.program @mul_full_row(%g: tensor<3x17xf32> {nf.name = "g"}) -> (tensor<3x17xf32> {nf.name = "r"}) {
  %full = nf.get @full : tensor<3x17xf32>
  %row = nf.get @row : tensor<17xf32>
  %y = nf.mul %full, %row : (tensor<3x17xf32>, tensor<17xf32>) -> tensor<3x17xf32>
  %r = nf.mul %y, %g : (tensor<3x17xf32>, tensor<3x17xf32>) -> tensor<3x17xf32>
  nf.return %r : tensor<3x17xf32>
}

// CHECK-LABEL: @mul_column_full{{$}}
// CHECK-NEXT: r: largest error
// GRADIENT-NEXT: d/d full: largest error
// GRADIENT-NEXT: d/d column: largest error
nf.program @mul_column_full(%g: tensor<3x17xf32> {nf.name = "g"}) -> (tensor<3x17xf32> {nf.name = "r"}) {
  %column = nf.get @column : tensor<3x1xf32>
  %full = nf.get @full : tensor<3x17xf32>
  %y = nf.mul %column, %full : (tensor<3x1xf32>, tensor<3x17xf32>) -> tensor<3x17xf32>
  %r = nf.mul %y, %g : (tensor<3x17xf32>, tensor<3x17xf32>) -> tensor<3x17xf32>
  nf.return %r : tensor<3x17xf32>
}

// CHECK-LABEL: @mul_row_column{{$}}
// CHECK-NEXT: r: largest error
// GRADIENT-NEXT: d/d row: largest error
// GRADIENT-NEXT: d/d column: largest error
nf.program @mul_row_column(%g: tensor<3x17xf32> {nf.name = "g"}) -> (tensor<3x17xf32> {nf.name = "r"}) {
  %row = nf.get @row : tensor<17xf32>
  %column = nf.get @column : tensor<3x1xf32>
  %y = nf.mul %row, %column : (tensor<17xf32>, tensor<3x1xf32>) -> tensor<3x17xf32>
  %r = nf.mul %y, %g : (tensor<3x17xf32>, tensor<3x17xf32>) -> tensor<3x17xf32>
  nf.return %r : tensor<3x17xf32>
}

// CHECK-LABEL: @mul_one_full{{$}}
// CHECK-NEXT: r: largest error
// GRADIENT-NEXT: d/d full: largest error
// GRADIENT-NEXT: d/d one: largest error
nf.program @mul_one_full(%g: tensor<3x17xf32> {nf.name = "g"}) -> (tensor<3x17xf32> {nf.name = "r"}) {
  %one = nf.get @one : tensor<1xf32>
  %full = nf.get @full : tensor<3x17xf32>
  %y = nf.mul %one, %full : (tensor<1xf32>, tensor<3x17xf32>) -> tensor<3x17xf32>
  %r = nf.mul %y, %g : (tensor<3x17xf32>, tensor<3x17xf32>) -> tensor<3x17xf32>
  nf.return %r : tensor<3x17xf32>
}

// CHECK-LABEL: @mul_lead_full{{$}}
// CHECK-NEXT: r: largest error
// GRADIENT-NEXT: d/d full: largest error
// GRADIENT-NEXT: d/d lead: largest error
nf.program @mul_lead_full(%g: tensor<2x3x17xf32> {nf.name = "g"}) -> (tensor<2x3x17xf32> {nf.name = "r"}) {
  %lead = nf.get @lead : tensor<2x3x17xf32>
  %full = nf.get @full : tensor<3x17xf32>
  %y = nf.mul %lead, %full : (tensor<2x3x17xf32>, tensor<3x17xf32>) -> tensor<2x3x17xf32>
  %r = nf.mul %y, %g : (tensor<2x3x17xf32>, tensor<2x3x17xf32>) -> tensor<2x3x17xf32>
  nf.return %r : tensor<2x3x17xf32>
}

// CHECK-LABEL: @mul_middle_column{{$}}
// CHECK-NEXT: r: largest error
// GRADIENT-NEXT: d/d column: largest error
// GRADIENT-NEXT: d/d middle: largest error
nf.program @mul_middle_column(%g: tensor<2x3x17xf32> {nf.name = "g"}) -> (tensor<2x3x17xf32> {nf.name = "r"}) {
  %middle = nf.get @middle : tensor<2x1x17xf32>
  %column = nf.get @column : tensor<3x1xf32>
  %y = nf.mul %middle, %column : (tensor<2x1x17xf32>, tensor<3x1xf32>) -> tensor<2x3x17xf32>
  %r = nf.mul %y, %g : (tensor<2x3x17xf32>, tensor<2x3x17xf32>) -> tensor<2x3x17xf32>
  nf.return %r : tensor<2x3x17xf32>
}

// CHECK-LABEL: @div_full_same{{$}}
// CHECK-NEXT: r: largest error
// GRADIENT-NEXT: d/d full: largest error
// GRADIENT-NEXT: d/d same: largest error
nf.program @div_full_same(%g: tensor<3x17xf32> {nf.name = "g"}) -> (tensor<3x17xf32> {nf.name = "r"}) {
  %full = nf.get @full : tensor<3x17xf32>
  %same = nf.get @same : tensor<3x17xf32>
  %y = nf.div %full, %same : (tensor<3x17xf32>, tensor<3x17xf32>) -> tensor<3x17xf32>
  %r = nf.mul %y, %g : (tensor<3x17xf32>, tensor<3x17xf32>) -> tensor<3x17xf32>
  nf.return %r : tensor<3x17xf32>
}

// CHECK-LABEL: @div_full_row{{$}}
// CHECK-NEXT: r: largest error
// GRADIENT-NEXT: d/d full: largest error
// GRADIENT-NEXT: d/d row: largest error
nf.program @div_full_row(%g: tensor<3x17xf32> {nf.name = "g"}) -> (tensor<3x17xf32> {nf.name = "r"}) {
  %full = nf.get @full : tensor<3x17xf32>
  %row = nf.get @row : tensor<17xf32>
  %y = nf.div %full, %row : (tensor<3x17xf32>, tensor<17xf32>) -> tensor<3x17xf32>
  %r = nf.mul %y, %g : (tensor<3x17xf32>, tensor<3x17xf32>) -> tensor<3x17xf32>
  nf.return %r : tensor<3x17xf32>
}

// CHECK-LABEL: @div_column_full{{$}}
// CHECK-NEXT: r: largest error
// GRADIENT-NEXT: d/d full: largest error
// GRADIENT-NEXT: d/d column: largest error
nf.program @div_column_full(%g: tensor<3x17xf32> {nf.name = "g"}) -> (tensor<3x17xf32> {nf.name = "r"}) {
  %column = nf.get @column : tensor<3x1xf32>
  %full = nf.get @full : tensor<3x17xf32>
  %y = nf.div %column, %full : (tensor<3x1xf32>, tensor<3x17xf32>) -> tensor<3x17xf32>
  %r = nf.mul %y, %g : (tensor<3x17xf32>, tensor<3x17xf32>) -> tensor<3x17xf32>
  nf.return %r : tensor<3x17xf32>
}

// CHECK-LABEL: @div_row_column{{$}}
// CHECK-NEXT: r: largest error
// GRADIENT-NEXT: d/d row: largest error
// GRADIENT-NEXT: d/d column: largest error
nf.program @div_row_column(%g: tensor<3x17xf32> {nf.name = "g"}) -> (tensor<3x17xf32> {nf.name = "r"}) {
  %row = nf.get @row : tensor<17xf32>
  %column = nf.get @column : tensor<3x1xf32>
  %y = nf.div %row, %column : (tensor<17xf32>, tensor<3x1xf32>) -> tensor<3x17xf32>
  %r = nf.mul %y, %g : (tensor<3x17xf32>, tensor<3x17xf32>) -> tensor<3x17xf32>
  nf.return %r : tensor<3x17xf32>
}

// CHECK-LABEL: @div_one_full{{$}}
// CHECK-NEXT: r: largest error
// GRADIENT-NEXT: d/d full: largest error
// GRADIENT-NEXT: d/d one: largest error
nf.program @div_one_full(%g: tensor<3x17xf32> {nf.name = "g"}) -> (tensor<3x17xf32> {nf.name = "r"}) {
  %one = nf.get @one : tensor<1xf32>
  %full = nf.get @full : tensor<3x17xf32>
  %y = nf.div %one, %full : (tensor<1xf32>, tensor<3x17xf32>) -> tensor<3x17xf32>
  %r = nf.mul %y, %g : (tensor<3x17xf32>, tensor<3x17xf32>) -> tensor<3x17xf32>
  nf.return %r : tensor<3x17xf32>
}

// CHECK-LABEL: @div_lead_full{{$}}
// CHECK-NEXT: r: largest error
// GRADIENT-NEXT: d/d full: largest error
// GRADIENT-NEXT: d/d lead: largest error
nf.program @div_lead_full(%g: tensor<2x3x17xf32> {nf.name = "g"}) -> (tensor<2x3x17xf32> {nf.name = "r"}) {
  %lead = nf.get @lead : tensor<2x3x17xf32>
  %full = nf.get @full : tensor<3x17xf32>
  %y = nf.div %lead, %full : (tensor<2x3x17xf32>, tensor<3x17xf32>) -> tensor<2x3x17xf32>
  %r = nf.mul %y, %g : (tensor<2x3x17xf32>, tensor<2x3x17xf32>) -> tensor<2x3x17xf32>
  nf.return %r : tensor<2x3x17xf32>
}

// CHECK-LABEL: @div_middle_column{{$}}
// CHECK-NEXT: r: largest error
// GRADIENT-NEXT: d/d column: largest error
// GRADIENT-NEXT: d/d middle: largest error
nf.program @div_middle_column(%g: tensor<2x3x17xf32> {nf.name = "g"}) -> (tensor<2x3x17xf32> {nf.name = "r"}) {
  %middle = nf.get @middle : tensor<2x1x17xf32>
  %column = nf.get @column : tensor<3x1xf32>
  %y = nf.div %middle, %column : (tensor<2x1x17xf32>, tensor<3x1xf32>) -> tensor<2x3x17xf32>
  %r = nf.mul %y, %g : (tensor<2x3x17xf32>, tensor<2x3x17xf32>) -> tensor<2x3x17xf32>
  nf.return %r : tensor<2x3x17xf32>
}

// CHECK-LABEL: @pow_full_same{{$}}
// CHECK-NEXT: r: largest error
// GRADIENT-NEXT: d/d full: largest error
// GRADIENT-NEXT: d/d same: largest error
nf.program @pow_full_same(%g: tensor<3x17xf32> {nf.name = "g"}) -> (tensor<3x17xf32> {nf.name = "r"}) {
  %full = nf.get @full : tensor<3x17xf32>
  %same = nf.get @same : tensor<3x17xf32>
  %y = nf.pow %full, %same : (tensor<3x17xf32>, tensor<3x17xf32>) -> tensor<3x17xf32>
  %r = nf.mul %y, %g : (tensor<3x17xf32>, tensor<3x17xf32>) -> tensor<3x17xf32>
  nf.return %r : tensor<3x17xf32>
}

// CHECK-LABEL: @pow_full_row{{$}}
// CHECK-NEXT: r: largest error
// GRADIENT-NEXT: d/d full: largest error
// GRADIENT-NEXT: d/d row: largest error
nf.program @pow_full_row(%g: tensor<3x17xf32> {nf.name = "g"}) -> (tensor<3x17xf32> {nf.name = "r"}) {
  %full = nf.get @full : tensor<3x17xf32>
  %row = nf.get @row : tensor<17xf32>
  %y = nf.pow %full, %row : (tensor<3x17xf32>, tensor<17xf32>) -> tensor<3x17xf32>
  %r = nf.mul %y, %g : (tensor<3x17xf32>, tensor<3x17xf32>) -> tensor<3x17xf32>
  nf.return %r : tensor<3x17xf32>
}

// CHECK-LABEL: @pow_column_full{{$}}
// CHECK-NEXT: r: largest error
// GRADIENT-NEXT: d/d full: largest error
// GRADIENT-NEXT: d/d column: largest error
nf.program @pow_column_full(%g: tensor<3x17xf32> {nf.name = "g"}) -> (tensor<3x17xf32> {nf.name = "r"}) {
  %column = nf.get @column : tensor<3x1xf32>
  %full = nf.get @full : tensor<3x17xf32>
  %y = nf.pow %column, %full : (tensor<3x1xf32>, tensor<3x17xf32>) -> tensor<3x17xf32>
  %r = nf.mul %y, %g : (tensor<3x17xf32>, tensor<3x17xf32>) -> tensor<3x17xf32>
  nf.return %r : tensor<3x17xf32>
}

// CHECK-LABEL: @pow_row_column{{$}}
// CHECK-NEXT: r: largest error
// GRADIENT-NEXT: d/d row: largest error
// GRADIENT-NEXT: d/d column: largest error
nf.program @pow_row_column(%g: tensor<3x17xf32> {nf.name = "g"}) -> (tensor<3x17xf32> {nf.name = "r"}) {
  %row = nf.get @row : tensor<17xf32>
  %column = nf.get @column : tensor<3x1xf32>
  %y = nf.pow %row, %column : (tensor<17xf32>, tensor<3x1xf32>) -> tensor<3x17xf32>
  %r = nf.mul %y, %g : (tensor<3x17xf32>, tensor<3x17xf32>) -> tensor<3x17xf32>
  nf.return %r : tensor<3x17xf32>
}

// CHECK-LABEL: @pow_one_full{{$}}
// CHECK-NEXT: r: largest error
// GRADIENT-NEXT: d/d full: largest error
// GRADIENT-NEXT: d/d one: largest error
nf.program @pow_one_full(%g: tensor<3x17xf32> {nf.name = "g"}) -> (tensor<3x17xf32> {nf.name = "r"}) {
  %one = nf.get @one : tensor<1xf32>
  %full = nf.get @full : tensor<3x17xf32>
  %y = nf.pow %one, %full : (tensor<1xf32>, tensor<3x17xf32>) -> tensor<3x17xf32>
  %r = nf.mul %y, %g : (tensor<3x17xf32>, tensor<3x17xf32>) -> tensor<3x17xf32>
  nf.return %r : tensor<3x17xf32>
}

// CHECK-LABEL: @pow_lead_full{{$}}
// CHECK-NEXT: r: largest error
// GRADIENT-NEXT: d/d full: largest error
// GRADIENT-NEXT: d/d lead: largest error
nf.program @pow_lead_full(%g: tensor<2x3x17xf32> {nf.name = "g"}) -> (tensor<2x3x17xf32> {nf.name = "r"}) {
  %lead = nf.get @lead : tensor<2x3x17xf32>
  %full = nf.get @full : tensor<3x17xf32>
  %y = nf.pow %lead, %full : (tensor<2x3x17xf32>, tensor<3x17xf32>) -> tensor<2x3x17xf32>
  %r = nf.mul %y, %g : (tensor<2x3x17xf32>, tensor<2x3x17xf32>) -> tensor<2x3x17xf32>
  nf.return %r : tensor<2x3x17xf32>
}

// CHECK-LABEL: @pow_middle_column{{$}}
// CHECK-NEXT: r: largest error
// GRADIENT-NEXT: d/d column: largest error
// GRADIENT-NEXT: d/d middle: largest error
nf.program @pow_middle_column(%g: tensor<2x3x17xf32> {nf.name = "g"}) -> (tensor<2x3x17xf32> {nf.name = "r"}) {
  %middle = nf.get @middle : tensor<2x1x17xf32>
  %column = nf.get @column : tensor<3x1xf32>
  %y = nf.pow %middle, %column : (tensor<2x1x17xf32>, tensor<3x1xf32>) -> tensor<2x3x17xf32>
  %r = nf.mul %y, %g : (tensor<2x3x17xf32>, tensor<2x3x17xf32>) -> tensor<2x3x17xf32>
  nf.return %r : tensor<2x3x17xf32>
}

// CHECK-LABEL: @max_full_same{{$}}
// CHECK-NEXT: r: largest error
// GRADIENT-NEXT: d/d full: largest error
// GRADIENT-NEXT: d/d same: largest error
nf.program @max_full_same(%g: tensor<3x17xf32> {nf.name = "g"}) -> (tensor<3x17xf32> {nf.name = "r"}) {
  %full = nf.get @full : tensor<3x17xf32>
  %same = nf.get @same : tensor<3x17xf32>
  %y = nf.max %full, %same : (tensor<3x17xf32>, tensor<3x17xf32>) -> tensor<3x17xf32>
  %r = nf.mul %y, %g : (tensor<3x17xf32>, tensor<3x17xf32>) -> tensor<3x17xf32>
  nf.return %r : tensor<3x17xf32>
}

// CHECK-LABEL: @max_full_row{{$}}
// CHECK-NEXT: r: largest error
// GRADIENT-NEXT: d/d full: largest error
// GRADIENT-NEXT: d/d row: largest error
nf.program @max_full_row(%g: tensor<3x17xf32> {nf.name = "g"}) -> (tensor<3x17xf32> {nf.name = "r"}) {
  %full = nf.get @full : tensor<3x17xf32>
  %row = nf.get @row : tensor<17xf32>
  %y = nf.max %full, %row : (tensor<3x17xf32>, tensor<17xf32>) -> tensor<3x17xf32>
  %r = nf.mul %y, %g : (tensor<3x17xf32>, tensor<3x17xf32>) -> tensor<3x17xf32>
  nf.return %r : tensor<3x17xf32>
}

// CHECK-LABEL: @max_column_full{{$}}
// CHECK-NEXT: r: largest error
// GRADIENT-NEXT: d/d full: largest error
// GRADIENT-NEXT: d/d column: largest error
nf.program @max_column_full(%g: tensor<3x17xf32> {nf.name = "g"}) -> (tensor<3x17xf32> {nf.name = "r"}) {
  %column = nf.get @column : tensor<3x1xf32>
  %full = nf.get @full : tensor<3x17xf32>
  %y = nf.max %column, %full : (tensor<3x1xf32>, tensor<3x17xf32>) -> tensor<3x17xf32>
  %r = nf.mul %y, %g : (tensor<3x17xf32>, tensor<3x17xf32>) -> tensor<3x17xf32>
  nf.return %r : tensor<3x17xf32>
}

// CHECK-LABEL: @max_row_column{{$}}
// CHECK-NEXT: r: largest error
// GRADIENT-NEXT: d/d row: largest error
// GRADIENT-NEXT: d/d column: largest error
nf.program @max_row_column(%g: tensor<3x17xf32> {nf.name = "g"}) -> (tensor<3x17xf32> {nf.name = "r"}) {
  %row = nf.get @row : tensor<17xf32>
  %column = nf.get @column : tensor<3x1xf32>
  %y = nf.max %row, %column : (tensor<17xf32>, tensor<3x1xf32>) -> tensor<3x17xf32>
  %r = nf.mul %y, %g : (tensor<3x17xf32>, tensor<3x17xf32>) -> tensor<3x17xf32>
  nf.return %r : tensor<3x17xf32>
}

// CHECK-LABEL: @max_one_full{{$}}
// CHECK-NEXT: r: largest error
// GRADIENT-NEXT: d/d full: largest error
// GRADIENT-NEXT: d/d one: largest error
nf.program @max_one_full(%g: tensor<3x17xf32> {nf.name = "g"}) -> (tensor<3x17xf32> {nf.name = "r"}) {
  %one = nf.get @one : tensor<1xf32>
  %full = nf.get @full : tensor<3x17xf32>
  %y = nf.max %one, %full : (tensor<1xf32>, tensor<3x17xf32>) -> tensor<3x17xf32>
  %r = nf.mul %y, %g : (tensor<3x17xf32>, tensor<3x17xf32>) -> tensor<3x17xf32>
  nf.return %r : tensor<3x17xf32>
}

// CHECK-LABEL: @max_lead_full{{$}}
// CHECK-NEXT: r: largest error
// GRADIENT-NEXT: d/d full: largest error
// GRADIENT-NEXT: d/d lead: largest error
nf.program @max_lead_full(%g: tensor<2x3x17xf32> {nf.name = "g"}) -> (tensor<2x3x17xf32> {nf.name = "r"}) {
  %lead = nf.get @lead : tensor<2x3x17xf32>
  %full = nf.get @full : tensor<3x17xf32>
  %y = nf.max %lead, %full : (tensor<2x3x17xf32>, tensor<3x17xf32>) -> tensor<2x3x17xf32>
  %r = nf.mul %y, %g : (tensor<2x3x17xf32>, tensor<2x3x17xf32>) -> tensor<2x3x17xf32>
  nf.return %r : tensor<2x3x17xf32>
}

// CHECK-LABEL: @max_middle_column{{$}}
// CHECK-NEXT: r: largest error
// GRADIENT-NEXT: d/d column: largest error
// GRADIENT-NEXT: d/d middle: largest error
nf.program @max_middle_column(%g: tensor<2x3x17xf32> {nf.name = "g"}) -> (tensor<2x3x17xf32> {nf.name = "r"}) {
  %middle = nf.get @middle : tensor<2x1x17xf32>
  %column = nf.get @column : tensor<3x1xf32>
  %y = nf.max %middle, %column : (tensor<2x1x17xf32>, tensor<3x1xf32>) -> tensor<2x3x17xf32>
  %r = nf.mul %y, %g : (tensor<2x3x17xf32>, tensor<2x3x17xf32>) -> tensor<2x3x17xf32>
  nf.return %r : tensor<2x3x17xf32>
}

// One value as both operands: its gradients add up.
// CHECK-LABEL: @square{{$}}
// CHECK-NEXT: r: largest error
// GRADIENT-NEXT: d/d signed: largest error
nf.program @square(%g: tensor<3x17xf32> {nf.name = "g"}) -> (tensor<3x17xf32> {nf.name = "r"}) {
  %signed = nf.get @signed : tensor<3x17xf32>
  %y = nf.mul %signed, %signed : (tensor<3x17xf32>, tensor<3x17xf32>) -> tensor<3x17xf32>
  %r = nf.mul %y, %g : (tensor<3x17xf32>, tensor<3x17xf32>) -> tensor<3x17xf32>
  nf.return %r : tensor<3x17xf32>
}

// 0^y is 0 around y, and so is its derivative: not 0 · −∞.
// CHECK-LABEL: @pow_of_zero{{$}}
// CHECK-NEXT: r: largest error
// GRADIENT: d/d exponent: largest error
nf.parameter @exponent : tensor<4x7xf32> {init = "zeros", nf.range = [0.5, 2.0]}
nf.program @pow_of_zero(%g: tensor<4x7xf32> {nf.name = "g"}) -> (tensor<4x7xf32> {nf.name = "r"}) {
  %y = nf.get @exponent : tensor<4x7xf32>
  %none = nf.constant dense<0.0> : tensor<1xf32>
  %zero = nf.broadcast %none : (tensor<1xf32>) -> tensor<4x7xf32>
  %p = nf.pow %zero, %y : (tensor<4x7xf32>, tensor<4x7xf32>) -> tensor<4x7xf32>
  %r = nf.add %p, %g : (tensor<4x7xf32>, tensor<4x7xf32>) -> tensor<4x7xf32>
  nf.return %r : tensor<4x7xf32>
}
