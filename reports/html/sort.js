document.querySelectorAll("table").forEach(function (table) {
  var body = table.tBodies[0];
  if (!table.tHead || !body || body.rows.length < 3) return;
  Array.prototype.forEach.call(table.tHead.rows[0].cells, function (head, column) {
    if (!head.textContent.trim()) return;
    head.setAttribute("data-sort", "");
    head.title = "sort";
    head.addEventListener("click", function () {
      var down = head.getAttribute("data-sort") !== "down";
      Array.prototype.forEach.call(table.tHead.rows[0].cells, function (other) {
        if (other.hasAttribute("data-sort")) other.setAttribute("data-sort", "");
      });
      head.setAttribute("data-sort", down ? "down" : "up");
      var rows = Array.prototype.filter.call(body.rows, function (row) { return row.className !== "total"; });
      var last = Array.prototype.filter.call(body.rows, function (row) { return row.className === "total"; });
      function key(row) {
        var cell = row.cells[column], value = cell.getAttribute("data-v");
        return value === null ? cell.textContent.trim().toLowerCase() : parseFloat(value);
      }
      rows.sort(function (a, b) {
        var x = key(a), y = key(b), order = x < y ? -1 : x > y ? 1 : 0;
        return down ? -order : order;
      });
      rows.concat(last).forEach(function (row) { body.appendChild(row); });
    });
  });
});
