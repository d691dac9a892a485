# cmake --install: a folder that can be moved: tools, the library with headers and .td files, and what models link with.
set(NF_INCLUDE include/normforge)

set_target_properties(nf-compile nf-opt NormForge PROPERTIES INSTALL_RPATH "$ORIGIN/../lib;${LLVM_LIBRARY_DIR}")
target_include_directories(NormForge INTERFACE $<INSTALL_INTERFACE:${NF_INCLUDE}>)
install(TARGETS nf-compile nf-opt EXPORT NormForgeTargets RUNTIME DESTINATION bin)
install(TARGETS NormForge EXPORT NormForgeTargets LIBRARY DESTINATION lib)
install(TARGETS nfrt nfcuda nfemulation ARCHIVE DESTINATION lib)
file(REAL_PATH ${NF_OPENBLAS} NF_OPENBLAS_FILE)
install(FILES ${NF_OPENBLAS_FILE} DESTINATION lib RENAME libopenblas.a)

install(DIRECTORY dialect frontend passes DESTINATION ${NF_INCLUDE} FILES_MATCHING PATTERN "*.h" PATTERN "*.td")
install(DIRECTORY ${CMAKE_BINARY_DIR}/dialect ${CMAKE_BINARY_DIR}/passes DESTINATION ${NF_INCLUDE}
        FILES_MATCHING PATTERN "*.inc" PATTERN "CMakeFiles" EXCLUDE)
install(FILES runtime/abi/nf_abi.h runtime/abi/nf_emulation.h DESTINATION ${NF_INCLUDE}/runtime/abi)
install(DIRECTORY models DESTINATION share/normforge)

install(EXPORT NormForgeTargets NAMESPACE NormForge:: DESTINATION lib/cmake/NormForge)
configure_file(cmake/NormForgeConfig.cmake.in NormForgeConfig.cmake @ONLY)
install(FILES ${CMAKE_BINARY_DIR}/NormForgeConfig.cmake DESTINATION lib/cmake/NormForge)
