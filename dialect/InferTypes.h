//===- InferTypes.h - for the dialect's own files: type inference ----------------------------===//
#ifndef NF_DIALECT_INFERTYPES_H
#define NF_DIALECT_INFERTYPES_H

/// The parameters of Op::inferReturnTypes.
#define NF_INFER_ARGUMENTS                                                                                             \
  MLIRContext *context, std::optional<Location> location, ValueRange operands, DictionaryAttr attributes,              \
      OpaqueProperties properties, RegionRange regions, SmallVectorImpl<Type> &types

#endif // NF_DIALECT_INFERTYPES_H
