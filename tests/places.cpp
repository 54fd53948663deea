namespace joulesim::tests {
const char* source_folder();
const char* data_folder();

const char* source_folder() { return JOULESIM_SOURCE_FOLDER; }
const char* data_folder() { return JOULESIM_DATA_FOLDER; }
}  // namespace joulesim::tests
