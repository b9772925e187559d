// Panels of accuracy by level: the page sends them as SVG, which st.html would remove.

const draw = ({ data, parentElement }) => { parentElement.querySelector(".chart").innerHTML = data.html }
