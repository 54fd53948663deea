joulesim_test(kernels_models
  SOURCES tests/kernels/models_operators.cpp tests/kernels/models_recurrent.cpp tests/kernels/models_executor.cpp tests/kernels/models_datapaths.cpp
    tests/kernels/models_quality.cpp tests/kernels/models_simd.cpp
    tests/kernels/models_float_datapaths.cpp tests/kernels/models_lookup.cpp tests/kernels/models_flash.cpp
  LINK joulesim::kernels
  LABELS fast)
joulesim_test(kernels_onnx
  SOURCES tests/kernels/models_onnx_session.cpp tests/kernels/models_onnx_ops.cpp tests/kernels/models_onnx_microsoft.cpp
  LINK joulesim::kernels
  LABELS fast)
