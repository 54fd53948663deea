joulesim_test(unit_models
  SOURCES tests/unit/models_format.cpp tests/unit/models_graph.cpp tests/unit/models_cost.cpp tests/unit/models_arch.cpp
    tests/unit/models_zoo.cpp tests/unit/models_images.cpp
  LINK joulesim::arch
  LABELS fast)
joulesim_test(unit_models_import
  SOURCES tests/unit/models_codec.cpp tests/unit/models_gguf.cpp tests/unit/models_containers.cpp tests/unit/models_tokenizer.cpp tests/unit/models_families.cpp tests/unit/models_gguf_families.cpp tests/unit/models_placing.cpp
    tests/unit/models_integer_codec.cpp
  LINK joulesim::kernels
  LABELS fast)
joulesim_test(unit_onnx
  SOURCES tests/unit/models_onnx_file.cpp tests/unit/models_array.cpp
  LINK joulesim::import
  LABELS fast)
