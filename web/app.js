// One picture for each camera, as MJPEG.
const cameras = document.getElementById("cameras");

new EventSource("api/events").addEventListener("cameras", (event) => {
  for (const camera of JSON.parse(event.data).cameras) {
    if (document.getElementById(camera.id)) continue;
    const picture = document.createElement("img");
    picture.id = camera.id;
    picture.alt = camera.name;
    picture.src = `api/cameras/${camera.id}/stream`;
    cameras.append(picture);
  }
});
