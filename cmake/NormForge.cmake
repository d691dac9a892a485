# Targets of the compiler: one shared library, libNormForge.so, that dialect, frontend and passes add to.

function(nf_add_compiler_library)
  add_library(NormForge SHARED)
  target_link_libraries(NormForge PUBLIC MLIR LLVM)
  target_precompile_headers(NormForge PRIVATE ${CMAKE_SOURCE_DIR}/cmake/Precompiled.h)
  add_custom_target(nf-tablegen)
  add_dependencies(NormForge nf-tablegen)
endfunction()

# nf_tablegen(File.td output generator ...): runs each generator over File.td; "|" separates its arguments.
function(nf_tablegen source)
  set(LLVM_TARGET_DEFINITIONS ${source})
  get_filename_component(name ${source} NAME_WE)
  set(pairs ${ARGN})
  while(pairs)
    list(POP_FRONT pairs output generator)
    string(REPLACE "|" ";" generator "${generator}")
    mlir_tablegen(${output} ${generator} -I${CMAKE_SOURCE_DIR})
  endwhile()
  file(RELATIVE_PATH relative ${CMAKE_SOURCE_DIR} ${CMAKE_CURRENT_SOURCE_DIR})
  string(REPLACE "/" "-" room ${relative})
  set(target nf-tablegen-${room}-${name})
  add_public_tablegen_target(${target})
  add_dependencies(nf-tablegen ${target})
endfunction()

# nf_reference(File.td name generator): build/docs/name.md, made by the target mlir-doc.
function(nf_reference source name generator)
  set(page ${CMAKE_BINARY_DIR}/docs/${name}.md)
  string(REPLACE "|" ";" generator "${generator}")
  file(MAKE_DIRECTORY ${CMAKE_BINARY_DIR}/docs)
  add_custom_command(OUTPUT ${page}
    COMMAND ${MLIR_TABLEGEN_EXE} ${generator} ${CMAKE_CURRENT_SOURCE_DIR}/${source} -o ${page}
            -I${CMAKE_SOURCE_DIR} -I${MLIR_INCLUDE_DIRS}
    DEPENDS ${source} VERBATIM)
  add_custom_target(nf-reference-${name} DEPENDS ${page})
  add_dependencies(mlir-doc nf-reference-${name})
endfunction()

# nf_add_tool(name sources...): a thin main over libNormForge.so.
function(nf_add_tool name)
  add_executable(${name} ${ARGN})
  target_link_libraries(${name} PRIVATE NormForge)
  # The library's precompiled header is position independent code.
  set_target_properties(${name} PROPERTIES POSITION_INDEPENDENT_CODE OFF)
  target_compile_options(${name} PRIVATE -fPIC)
  target_precompile_headers(${name} REUSE_FROM NormForge)
endfunction()
